"""Starts the servers of the simulated mailbox, where the settings point at them."""

from __future__ import annotations

from channels.sandbox import mail_imap, mail_smtp
from channels.sandbox.mail import Post, port_of
from config import log


def serve(post: Post) -> None:
    """Serve on the ports of ``imap_url`` and ``smtp_url``; a port that is taken is logged.

    The other phones work all the same.
    """
    chosen = post.world.settings
    for url, session in (
        (chosen.imap_url, mail_imap.Session),
        (chosen.smtp_url, mail_smtp.Session),
    ):
        port = port_of(chosen, url.get_secret_value())
        if port is None:
            continue
        try:
            server = mail_imap.Server(post, port, session)
        except OSError as error:
            log.get().error("no mailbox", port=port, error=type(error).__name__)
        else:
            post.world.at_close.append(server.close)
