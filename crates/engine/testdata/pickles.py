"""Random pickles: for each, in hex, whether Python called something that it names.

Everything named is the same harmless object, so nothing else runs.
"""

import io
import pickle
import random
import struct
import sys


class Called(BaseException):
    pass


class Meta(type):
    def called(cls, *given, **named):
        raise Called

    __call__ = __setitem__ = append = extend = add = update = called


class Named(metaclass=Meta):
    def __new__(cls, *given, **named):
        raise Called


class Reader(pickle._Unpickler):
    """The one in Python; `Fast`, in C, differs in what it takes for numbers."""

    def find_class(self, module, name):
        return Named


class Fast(pickle.Unpickler):
    def find_class(self, module, name):
        return Named


def piece(some):
    def text():
        return bytes(some.choices(b"abco.(\n'RiSVN)", k=some.randrange(4)))

    def word():
        return bytes(some.choices(b"abcXY_-.", k=some.randrange(1, 4)))

    def number():
        return some.choice([b"0", b"1", b" 7", b"-3", b"0x1f", b"1_0", b"x", b"1\0!"])

    short = text()
    return some.choice(
        [
            lambda: b"I" + number() + b"\n",
            lambda: b"L" + number() + b"L\n",
            lambda: b"F" + some.choice([b"1.5", b"inf", b"-1e3", b" 2", b"q"]) + b"\n",
            lambda: b"S" + some.choice([b"'%s'", b'"%s"', b"'%s", b"'%s' "]) % word() + b"\n",
            lambda: b"V" + word() + b"\n",
            lambda: b"K" + text()[:1].ljust(1),
            lambda: b"M" + b"ab",
            lambda: b"J" + b"abcd",
            lambda: b"G" + struct.pack(">d", 1.5),
            lambda: bytes([some.choice(b"UC\x8a\x8c"), len(short)]) + short,
            lambda: bytes([some.choice(b"TBX")]) + struct.pack("<I", len(short)) + short,
            lambda: bytes([some.choice(b"\x8d\x8e\x96")]) + struct.pack("<Q", len(short)) + short,
            lambda: bytes([some.choice(b"N])}\x88\x89\x8f")]),
            lambda: bytes([some.choice(b"((((N)]}")]),
            lambda: bytes([some.choice(b"aesultd012\x85\x86\x87\x90\x91\x94")]),
            lambda: b"N" + some.choice([b"a", b"Ns"]),
            lambda: some.choice([b"p", b"g"]) + number() + b"\n",
            lambda: some.choice([b"q", b"h"]) + b"\x01",
            lambda: some.choice([b"r", b"j"]) + b"\x01\0\0\0",
            lambda: b"c" + word() + b"\n" + word() + b"\n",
            lambda: b"(i" + word() + b"\n" + word() + b"\n",
            lambda: b"\x8c\x01a\x8c\x01b" + some.choice([b"", b"\x94"]) + b"\x93",
            lambda: bytes([some.choice(b"RRRRob\x81\x92")]),
            lambda: b")" + bytes([some.choice(b"RR\x81")]),
            lambda: b"\x80" + bytes([some.randrange(7)]),
            lambda: b".",
        ]
    )()


def calls(reader, value):
    source = io.BytesIO(value)
    try:
        while source.tell() < len(value):
            reader(source).load()
    except Called:
        return True
    except BaseException:
        return False
    return False


def main():
    some = random.Random(int(sys.argv[1]))
    for _ in range(int(sys.argv[2])):
        value = b"".join(piece(some) for _ in range(some.randrange(1, 9)))
        called = calls(Reader, value) or calls(Fast, value)
        print(value.hex(), "called" if called else "")


main()
