# What completions_state.py takes of compiled modules without asking Python; see there.

from sseparse._stream cimport fields
