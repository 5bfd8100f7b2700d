# cython: language_level=3, auto_pickle=False, annotation_typing=False
"""What servers report as an error, whatever they call it, and the APIError for that."""

from __future__ import annotations

import json
import re
from typing import Any

from .errors import APIError
from .mend import to_text

__all__ = ["DECIDING", "error_in", "is_fine", "make_error"]

# Keys, beside "type", whose values decide whether there is an error; see ``_is_flat_error``. What
# any text in it makes an error is none of them.
DECIDING = (b"status", b"Status", b"Type", b"__type")

# Characters of an error without a message that its text shows; its body has all of it.
_MOST_SHOWN = 1000

# An error that is none: what some gateways send beside good choices, or with every answer.
_FINE = (None, "", 0, 200, "0", "200", "ok", "success", "null", "none")
# Under which names an error says what and which it is; see ``_plain``.
_MESSAGES = (
    *("message", "msg", "detail", "errormessage", "errormsg", "statusmsg", "errordescription"),
    "reason",
)
_CODES = ("code", "errorcode", "statuscode", "status")
_TYPES = ("type", "errortype")
# Words of a status, or a type, that is an error's.
_FAILING = re.compile("error|exception|fail|invalid|denied|exceed|reject|timeout|unavailable")


def error_in(payload: dict[str, Any], is_answer: bool) -> APIError | None:
    """The error that a payload reports, under whichever name; None where it reports none.

    Args:
        payload: parsed JSON.
        is_answer: it has a part of the answer: then only ``error`` can be one.
    """
    error = payload.get("error")
    if error and not is_fine(error, is_answer):
        return make_error(error, payload)
    if payload.get("object") == "error":
        return make_error(payload, payload)
    if is_answer:
        return None
    # An error may be called anything.
    status = payload.get("base_resp")
    if isinstance(status, dict) and status.get("status_code") not in _FINE:
        return make_error(status, status)
    errors = payload.get("errors")
    if errors and not is_fine(errors, False):
        return make_error(errors[0] if isinstance(errors, list) else errors, payload)
    details = _plain(payload)
    error = details.get("error")
    if isinstance(error, (str, dict)) and error and not is_fine(error, False):
        return make_error(error, payload)  # an "Error"
    return make_error(payload, payload) if _is_flat_error(details, payload) else None


def _plain(details: dict[str, Any]) -> dict[str, Any]:
    """An error's details by plain names: errorMessage, error_message and ErrorMessage are one."""
    plain: dict[str, Any] = {}
    for name, value in details.items():
        plain.setdefault(name.replace("_", "").lower(), value)
    return plain


def is_fine(error: Any, is_answer: bool) -> bool:
    """Whether what is called an error says that there is none; see ``error_in``."""
    if isinstance(error, list):
        return False
    details = _plain(error) if isinstance(error, dict) else {}
    if details and not any(details.values()):
        return True  # an error object that is always there
    said = _first(details, _MESSAGES) if details else error
    if isinstance(said, str) and said and _says_fine(said):
        return True
    if not is_answer:
        return False
    if not details:
        return _says_fine(error)
    codes = [details[name] for name in _CODES if _is_code(details.get(name))]
    return all(map(_says_fine, codes)) if codes else _says_fine(said)


def _says_fine(value: Any) -> bool:
    return (value.lower() if isinstance(value, str) else value) in _FINE


def _is_flat_error(details: dict[str, Any], payload: dict[str, Any]) -> bool:
    """Whether a payload is an error without an object of its own around it.

    Args:
        details: the payload, by plain names.
        payload: as it came: of what stands in ``DECIDING`` other spellings do not count.
    """
    if details.get("errormessage") or details.get("errormsg") or details.get("detail"):
        return True
    if not any(isinstance(details.get(name), str) for name in _MESSAGES):
        return False
    if details.get("errortype") or details.get("success") is False:
        return True
    kind = _first(payload, ("type", "Type", "__type"))
    if isinstance(kind, str) and _FAILING.search(kind.lower()):
        return True
    if _is_failing_status(_first(payload, ("status", "Status"))):
        return True
    codes = [details[name] for name in _CODES if name != "status" and _is_code(details.get(name))]
    return not all(map(_says_fine, codes))


def _is_failing_status(status: Any) -> bool:
    """Whether a status is a failure's: ``"processing"`` and 202 are not."""
    if isinstance(status, str):
        return status[:1] in ("3", "4", "5") or _FAILING.search(status.lower()) is not None
    return isinstance(status, int) and status >= 300


def _is_code(value: Any) -> bool:
    return isinstance(value, (str, int)) and not isinstance(value, bool)


def make_error(error: Any, payload: Any) -> APIError:
    """The APIError for what a server sent as an error: an object, or text.

    Args:
        error: what it called so.
        payload: what that stood in: ``{"error": "text", "code": 502}`` has the code beside it.
    """
    body = error
    if isinstance(error, dict):
        details = _plain(error)
        message = _first(details, _MESSAGES) or details.get("error") or details.get("errors")
    else:
        details = _plain(payload) if isinstance(payload, dict) else {}
        message = error if isinstance(error, str) else None
        beside = _first(details, _MESSAGES)
        if isinstance(beside, str) and isinstance(message, str) and beside != message:
            message = f"{message}: {beside}"
        message = message or beside
        body = payload
    if isinstance(message, dict):
        message = message.get("message") or message
    if not message:
        said = repr(body)
        shown = said if len(said) <= _MOST_SHOWN else f"{said[:_MOST_SHOWN]}..."
        message = f"the server reported {shown}" if body else "the server reported an error"
    code = _first(details, _CODES)
    return APIError(
        message if isinstance(message, str) else json.dumps(message),
        code=code if _is_code(code) else None,
        type=to_text(_first(details, _TYPES)),
        param=to_text(details.get("param")),
        body=body,
    )


def _first(details: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((details[name] for name in names if details.get(name) is not None), None)
