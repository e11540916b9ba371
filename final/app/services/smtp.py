"""How a letter is sent: by SMTP, or into the log where there is no mail server, on a developer's machine."""

from __future__ import annotations

import logging
import smtplib
import ssl
import sys
from contextlib import suppress
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from .emails import ascii_domain
from .letters import Letter

TIMEOUT = 10  # seconds that the mail server may take over any one step
PORTS = {"smtps": 465, "smtp": 587, "smtp+plain": 25}

log = logging.getLogger(__name__)


class Undeliverable(Exception):
    """This letter will never be accepted: to try again is of no use."""


class Deferred(Exception):
    """The server does not take this letter for now. It may take others."""


class IntoTheLog:
    """Writes letters to the log, with their links. Never in production: a log must not hold a token."""

    def send(self, letter: Letter) -> None:
        """Write ``letter``."""
        log.info("mail to %s\n%s\n\n%s", *letter)


class Smtp(NamedTuple):
    """Sends letters through a mail server, each by a connection of its own."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    sender: str
    own_name: str  # the host of PUBLIC_URL: for EHLO and Message-ID, not to be looked up in the DNS

    def send(self, letter: Letter) -> None:
        """Hand ``letter`` to the server.

        Raises:
            Undeliverable: the server will never take this letter.
            Deferred: the server does not take this letter for now.
            OSError: the server cannot be reached, or does not let us in.
        """
        try:
            message = self._write(letter)
        except ValueError:  # a line break in a header, say
            raise Undeliverable("it cannot be written") from None
        server = self._connect()
        try:
            server.send_message(message, to_addrs=[message["To"].addresses[0].addr_spec])
            with suppress(smtplib.SMTPException):  # the letter is taken, whatever is said at parting
                server.quit()
        except smtplib.SMTPNotSupportedError:
            raise Undeliverable("the server takes only addresses in ASCII") from None
        except OSError as error:
            if isinstance(error, smtplib.SMTPRecipientsRefused):
                if all(code >= 500 for code, _ in error.recipients.values()):
                    raise Undeliverable("the recipient is refused") from None
            elif isinstance(error, smtplib.SMTPDataError) and error.smtp_code >= 500:
                raise Undeliverable("the text is refused") from None
            # Also where the server fell silent: the next letter will tell whether that was due to this one.
            raise Deferred(type(error).__name__) from None
        finally:
            server.close()

    def _connect(self) -> smtplib.SMTP:
        # The certificate of the server has to be good, and has to name it.
        encryption = ssl.create_default_context()
        if self.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, self.own_name, timeout=TIMEOUT, context=encryption
            )
        else:
            server = smtplib.SMTP(self.host, self.port, self.own_name, timeout=TIMEOUT)
        try:
            if self.scheme == "smtp":
                server.starttls(context=encryption)  # an error where the server offers none: no silent fall
            if self.user:
                server.login(self.user, self.password)
        except BaseException:
            server.close()
            raise
        return server

    def _write(self, letter: Letter) -> EmailMessage:
        # The policy refuses a line break in a header, and encodes what is not ASCII.
        message = EmailMessage(policy=policy.SMTP)
        message["From"] = self.sender
        message["To"] = _address(letter.to)
        message["Subject"] = letter.subject
        message["Date"] = localtime()
        message["Message-ID"] = make_msgid(domain=self.own_name)
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
        message.set_content(letter.text)
        return message


def _address(email: str) -> Address:
    """Return the recipient as a header can have it.

    Raises:
        ValueError: it has a line break.
        Undeliverable: a header would say something else. Python 3.11 and 3.12 read an encoded word in an
            address, and write what it says: line breaks and further headers too.
    """
    local, _, domain = email.rpartition("@")
    address = Address(username=local, domain=ascii_domain(domain))
    read = policy.SMTP.header_factory("To", str(address)).addresses
    if [(one.username, one.domain) for one in read] != [(address.username, address.domain)]:
        raise Undeliverable("its address cannot be written")
    return address


def read_url(url: str, public_url: str, sender: str) -> Smtp | IntoTheLog:
    """Return what sends letters by the settings SMTP_URL, PUBLIC_URL and MAIL_FROM.

    Raises:
        SystemExit: SMTP_URL has another form.
    """
    log.setLevel(logging.INFO)
    if not url:
        return IntoTheLog()
    host = urlsplit(public_url).hostname or "localhost"
    try:
        parts = urlsplit(url)
        port = parts.port or PORTS[parts.scheme]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    if not parts.hostname or not port:
        # Without the value: there may be a password in it.
        sys.exit("SMTP_URL has to be smtp://, smtps:// or smtp+plain://USER:PASSWORD@HOST:PORT")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return Smtp(parts.scheme, parts.hostname, port, user, password, sender or f"no-reply@{host}", host)
