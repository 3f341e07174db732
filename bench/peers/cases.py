"""What is compared: the rows of the table, their targets, and the shapes of the models."""

SHAPES = {
    "124m": {"width": 768, "layers": 12, "heads": 12},
    "355m": {"width": 1024, "layers": 24, "heads": 16},
}
VOCABULARY, CONTEXT = 50257, 1024

STEPS = 64  # tokens that a decoding case adds to each stream
PROMPT = 16  # tokens that stand in front of them when there are several streams
SERVED = (64, 64)  # of a serving case: tokens of a prompt, tokens that are written
SHARED = (200, 40, 60)  # where prompts begin alike: common tokens, own tokens, tokens that are written


class Case:
    """One row. `must` and `goal` are ratios, ours by the best peer's: of tokens a second, or of bytes."""

    def __init__(self, kind, weights, tokens=0, streams=1, must=1.0, goal=None):
        self.kind, self.weights, self.tokens, self.streams = kind, weights, tokens, streams
        self.must, self.goal = must, goal
        self.smaller_is_better = kind == "memory"

    @property
    def name(self):
        if self.kind == "prefill":
            return f"prefill {self.tokens}, {self.weights}"
        if self.kind == "decode":
            return f"decode {self.streams} stream{'s' if self.streams > 1 else ''}, {self.weights}"
        if self.kind in ("serve", "shared"):
            return f"{self.kind} {self.streams}, {self.weights}"
        return f"memory, {self.weights}"

    @property
    def unit(self):
        return "MB" if self.kind == "memory" else "tok/s"

    def to_json(self):
        return {"kind": self.kind, "weights": self.weights, "tokens": self.tokens, "streams": self.streams}


CASES = [
    Case("prefill", "f32", tokens=128),
    Case("prefill", "f32", tokens=512, goal=1.15),
    Case("prefill", "bf16", tokens=128, must=1.5, goal=2.0),
    Case("prefill", "bf16", tokens=512, must=1.5, goal=2.0),
    Case("prefill", "i8", tokens=128, must=1.3, goal=2.0),
    Case("prefill", "i8", tokens=512, must=1.3, goal=2.0),
    Case("decode", "f32"),
    Case("decode", "bf16", goal=1.1),
    Case("decode", "i8", goal=1.1),
    Case("decode", "i4", goal=1.2),
    Case("decode", "i8", streams=8),
    Case("decode", "i8", streams=32),
    Case("serve", "i8", streams=8, must=2.5, goal=4.0),
    Case("serve", "i8", streams=32, must=3.0, goal=5.0),
    Case("shared", "i8", streams=64, must=2.5, goal=4.0),
    Case("memory", "i8", must=0.85),
]
