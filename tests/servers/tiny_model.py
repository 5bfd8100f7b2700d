"""Writes a language model of a hundred kilobytes that llama.cpp can load: random, but not quite.

As a program it serves two of them with llama.cpp and prints their addresses, the one that writes
words first; it ends when its standard input does. A process of its own, so that nothing of
llama.cpp can take the tests with it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import xllamacpp

WIDTH, INNER, CONTEXT = 32, 64, 2048
CALL = "<tool_call>\n"
WORDS = ["▁sea", "▁green", "▁tide", "▁high", "▁low", "▁of", "▁the", "ö", "🌊", '"', "\n"]
END = 2
# A character without a token of its own is one token a byte: streams have halves of characters.
TOKENS = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), CALL, *WORDS]

# llama.cpp takes from this how tool calls look, and makes a grammar of it.
TEMPLATE = """\
{%- if tools %}<|im_start|>system
{% for tool in tools %}{{ tool | tojson }}{% endfor %}
<tool_call>
{"name": <function-name>, "arguments": <args-json-object>}
</tool_call><|im_end|>
{% endif %}{%- for message in messages %}<|im_start|>{{ message.role }}
{{ message.content }}{% if message.tool_calls %}{% for call in message.tool_calls %}<tool_call>
{"name": {{ call.function.name | tojson }}, "arguments": {{ call.function.arguments | tojson }}}
</tool_call>{% endfor %}{% endif %}<|im_end|>
{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant
{% endif %}"""


def write(path: Path, calls: bool) -> None:
    """Write a model that calls a tool where the grammar lets it, or one that writes for ever."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(2)
    writer.add_head_count_kv(2)
    writer.add_rope_dimension_count(WIDTH // 2)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(TOKENS)
    writer.add_token_scores([0.0] * len(TOKENS))
    writer.add_token_types([2, 3, 3, *[6] * 256, *[1] * (len(WORDS) + 1)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END)
    # The grammar of a tool call begins with the last words of the prompt, and no space.
    writer.add_add_space_prefix(False)
    for name, tensor in tensors(calls).items():
        writer.add_tensor(name, tensor.astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def tensors(calls: bool) -> dict[str, Any]:
    random = np.random.default_rng(1)

    def matrix(*shape: int) -> Any:
        return random.standard_normal(shape) * 0.3

    ones = np.ones(WIDTH)
    block = {f"attn_{name}": matrix(WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
    block |= {f"ffn_{name}": matrix(INNER, WIDTH) for name in ("gate", "up")}
    block |= {"ffn_down": matrix(WIDTH, INNER), "attn_norm": ones, "ffn_norm": ones}
    embedding, output = matrix(len(TOKENS), WIDTH), matrix(len(TOKENS), WIDTH)
    # The first dimension is always the same, so that what stands there in the output is a bias.
    embedding[:, 0] = 2
    block["attn_output"][0] = block["ffn_down"][0] = 0
    output[:, 0] = 0
    output[END, 0] = 80 if calls else -80
    output[TOKENS.index(CALL), 0] = 40 if calls else -80
    output[-len(WORDS) :, 0] = 1
    named = {f"blk.0.{name}.weight": tensor for name, tensor in block.items()}
    return named | {
        "token_embd.weight": embedding,
        "output.weight": output,
        "output_norm.weight": ones,
    }


def serve(path: Path) -> xllamacpp.Server:
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 2 * CONTEXT
    params.n_parallel = 2
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.warmup = False
    params.use_jinja = True
    params.chat_template = TEMPLATE
    params.sampling.temp = 0
    # What it has computed before it would leave out, and say so in the usage.
    params.cache_prompt = False
    return xllamacpp.Server(params)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        servers = []
        for calls in (False, True):
            path = Path(folder) / f"{calls}.gguf"
            write(path, calls)
            servers.append(serve(path))
            print(servers[-1].listening_address, flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
