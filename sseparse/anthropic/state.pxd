# What state.py takes of compiled modules without asking Python; see there.

cimport sseparse._stream.fields as fields
