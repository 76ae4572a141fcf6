"""Valid models to the frozen settings that the program runs on."""

from dataclasses import dataclass
from pathlib import Path

from probe.config.endpoint import port_and_tls
from probe.config.fields import PLACEHOLDER
from probe.config.model import ConfigFile, Imap, Mailbox, Smtp
from probe.config.problem import KeyPath
from probe.config.protection import Protection
from probe.config.report import Report
from probe.config.secret import Secret
from probe.config.settings import (
    Endpoint,
    FolderRule,
    ImapSettings,
    MailboxSettings,
    Retention,
    Settings,
    SmtpSettings,
    WebSettings,
)
from probe.core.mailbox import Mailbox as Place
from probe.core.mailbox import Route


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds one mailbox after the other for a config in a directory."""

    directory: Path
    report: Report

    def mailbox(self, mailbox: Mailbox, secret: Secret, index: int) -> MailboxSettings:
        """One mailbox, with ports, TLS and login names settled."""
        path: KeyPath = ("mailboxes", index)
        place = place_of(mailbox)
        smtp, imap = mailbox.smtp, mailbox.imap
        return MailboxSettings(
            mailbox=place,
            smtp=SmtpSettings(
                endpoint=self._endpoint(smtp, mailbox, secret, (*path, "smtp")),
                mechanism=mailbox.auth.mechanism,
                helo=smtp.helo or place.domain,
                total_timeout=smtp.total_timeout,
                connection_idle=smtp.connection_idle,
                connection_messages=smtp.connection_messages,
            ),
            imap=ImapSettings(
                endpoint=self._endpoint(imap, mailbox, secret, (*path, "imap")),
                junk=_folder(imap.junk),
                sent=_folder(imap.sent),
                idle_renewal=imap.idle_renewal,
                poll=imap.poll,
            ),
            sends_per_day=mailbox.sends_per_day,
        )

    def _endpoint(
        self, server: Smtp | Imap, mailbox: Mailbox, secret: Secret, path: KeyPath
    ) -> Endpoint:
        port, tls = port_and_tls(server, path, self.report)
        template = server.username or mailbox.auth.username or "{address}"
        return Endpoint(
            host=server.host or "",  # empty only beside a problem that stops the load
            port=port,
            tls=tls,
            username=_filled(template, mailbox.address),
            password=secret,
            ca_file=None if server.ca_file is None else self.directory / server.ca_file,
            timeout=server.timeout,
        )


def place_of(mailbox: Mailbox) -> Place:
    """The mailbox as the rest of the program knows it."""
    return Place(mailbox.id, mailbox.address, mailbox.provider, mailbox.client)


def settings(
    file: Path,
    config: ConfigFile,
    mailboxes: tuple[MailboxSettings, ...],
    routes: tuple[Route, ...],
    protection: Protection,
    warnings: tuple[str, ...],
) -> Settings:
    """Everything, once nothing is wrong any more."""
    host, port = config.web.listen
    kept = config.retention
    return Settings(
        path=file,
        msp=config.msp,
        journal=file.parent / config.journal.path,
        web=WebSettings(host, port, tuple(config.web.hosts), protection),
        retention=Retention(kept.mail, kept.delivered, kept.others),
        mailboxes={entry.mailbox.id: entry for entry in mailboxes},
        routes=routes,
        warnings=warnings,
    )


def _filled(template: str, address: str) -> str:
    local_part, _, domain = address.rpartition("@")
    parts = {"address": address, "local_part": local_part, "domain": domain}
    return PLACEHOLDER.sub(lambda match: parts[match[1]], template)


def _folder(names: str | tuple[str, ...]) -> FolderRule:
    if names == "auto":
        return FolderRule()
    if names == "none":
        return FolderRule(absent=True)
    return FolderRule(name=names) if isinstance(names, str) else FolderRule(guesses=names)
