"""libnftables through ctypes: a text of rules goes in whole or not at all."""

import ctypes


class Rejected(Exception):  # noqa: N818 - the name says what is the case
    """The rules were not taken; the text says where and why."""


class Nft:
    """A context of libnftables. Raises OSError where the library is not installed."""

    def __init__(self) -> None:
        library = ctypes.CDLL("libnftables.so.1")
        library.nft_ctx_new.restype = ctypes.c_void_p
        library.nft_ctx_get_error_buffer.restype = ctypes.c_char_p
        self._library = library
        self._context = ctypes.c_void_p(library.nft_ctx_new(0))
        library.nft_ctx_buffer_output(self._context)
        library.nft_ctx_buffer_error(self._context)

    def run(self, text: str) -> None:
        """One transaction."""
        if self._library.nft_run_cmd_from_buffer(self._context, text.encode()) != 0:
            message: bytes = self._library.nft_ctx_get_error_buffer(self._context) or b"no reason given"
            raise Rejected(message.decode(errors="replace").strip())
