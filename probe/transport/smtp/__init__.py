"""Submission over SMTP; the only package that imports aiosmtplib."""

from probe.transport.smtp.submitter import Submitter, submission_of

__all__ = ["Submitter", "submission_of"]
