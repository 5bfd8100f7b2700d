"""What every typed stream is made of, whatever the API; it knows the core and no API."""

try:
    import msgspec as _msgspec  # noqa: F401
except ImportError as error:
    raise ImportError(
        'typed streams need msgspec: pip install "sseparse[llm]"', name="msgspec"
    ) from error
