"""Whether an owner signed something. Only public keys come here; nothing here can sign."""

from __future__ import annotations


def verify(key: str, text: str, signature: str) -> bool:
    """Whether the owner of a public key (Ed25519, in hex) signed exactly this text."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        public.verify(bytes.fromhex(signature), text.encode())
    except (InvalidSignature, ValueError, TypeError):
        return False
    return True
