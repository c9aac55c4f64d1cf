"use strict";
// Shows what the dashboard draws, row by row, and sends keys back. All text is set as text.
(() => {
  const KEPT = "autoclave-key";
  const NAMES = {
    Enter: "enter", Escape: "escape", Tab: "tab", Backspace: "backspace", Delete: "delete",
    Insert: "insert", Home: "home", End: "end", PageUp: "pageup", PageDown: "pagedown",
    ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left", ArrowRight: "right",
  };
  const at = (id) => document.getElementById(id);
  const door = at("door"), said = at("said"), screen = at("screen");
  let socket = null;

  function size() {
    const probe = document.createElement("span");
    const row = document.createElement("div");
    probe.textContent = "0".repeat(100);
    row.append(probe);
    screen.append(row);
    const box = probe.getBoundingClientRect();
    row.remove();
    const [width, height] = [box.width / 100, box.height];
    return [Math.floor(innerWidth / width), Math.floor(innerHeight / height)];
  }

  function draw(frame) {
    document.title = frame.title;
    while (screen.children.length > frame.size[1]) screen.lastChild.remove();
    while (screen.children.length < frame.size[1]) screen.append(document.createElement("div"));
    for (const [y, row] of Object.entries(frame.rows)) {
      screen.children[y].replaceChildren(...row.map(([x, cells, text, color, ground, marks]) => {
        const span = document.createElement("span");
        span.textContent = text;
        span.style.left = `${x}ch`;
        span.style.width = `${cells}ch`;
        span.style.color = color;
        span.style.backgroundColor = ground;
        if (marks) span.classList.add(...marks);
        return span;
      }));
    }
  }

  function send(value) {
    if (socket && socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(value));
  }

  function show(isOpen, text) {
    screen.hidden = !isOpen;
    door.hidden = isOpen;
    said.textContent = text || "";
    (isOpen ? screen : at("token")).focus();
  }

  function open(key) {
    show(true);
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    socket = new WebSocket(`${scheme}://${location.host}/screen`);
    let isIn = false;
    socket.onopen = () => {
      isIn = true;
      send({ key, size: size(), light: matchMedia("(prefers-color-scheme: light)").matches });
    };
    socket.onmessage = (message) => draw(JSON.parse(message.data));
    socket.onclose = (closed) => {
      socket = null;
      // A server that went away without a word may come back, and the session with it.
      if (!isIn || closed.code !== 1006) sessionStorage.removeItem(KEPT);
      screen.replaceChildren();
      document.title = "autoclave";
      show(false, closed.reason || "The connection has ended.");
    };
  }

  door.addEventListener("submit", async (event) => {
    event.preventDefault();
    const token = at("token").value.trim();
    at("token").value = "";
    try {
      const answer = await fetch("/login", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ token }),
      });
      const body = await answer.json();
      if (!answer.ok) return show(false, body.detail);
      sessionStorage.setItem(KEPT, body.key);
      open(body.key);
    } catch {
      show(false, "The server does not answer.");
    }
  });

  addEventListener("keydown", (event) => {
    if (screen.hidden || event.isComposing || event.metaKey) return;
    if (event.ctrlKey && "cv".includes(event.key.toLowerCase()) && (event.shiftKey || event.key === "v")) return;
    if (event.ctrlKey && event.key === "c" && String(getSelection())) return;
    const name = NAMES[event.key] || (/^F\d+$/.test(event.key) ? event.key.toLowerCase() : "");
    if (event.ctrlKey && /^[a-z]$/.test(event.key)) send({ key: `ctrl+${event.key}` });
    else if (name) send({ key: (event.ctrlKey ? "ctrl+" : "") + (event.shiftKey ? "shift+" : "") + name });
    else if ([...event.key].length === 1 && (!event.ctrlKey || event.altKey)) send({ text: event.key });
    else return;
    event.preventDefault();
  });
  addEventListener("paste", (event) => {
    if (!screen.hidden) send({ paste: event.clipboardData.getData("text/plain").slice(0, 10000) });
  });
  let settling = 0;
  addEventListener("resize", () => {
    clearTimeout(settling);
    settling = setTimeout(() => send({ size: size() }), 150);
  });

  const kept = sessionStorage.getItem(KEPT);
  if (kept) open(kept);
  else show(false);
})();
