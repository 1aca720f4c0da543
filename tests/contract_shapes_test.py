#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What contracts/frames.pl and contracts/texts.pl do to programs: variables that are in use together never meet in
tests/contracts/shapes, and what the scripts cannot know they refuse, with a sentence."""
import os, subprocess

import kit
from kit import check, equal

SHAPES = "build/contracts/shapes.wasm"


def script(name, module):
    done = subprocess.run([f"contracts/{name}.pl"], input=module, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def refuses(what, name, module, sentence):
    code, _, said = script(name, module)
    check(f"{name}.pl refuses {what}", code != 0 and sentence in said, (code, said))


def passes(what, name, module):
    code, out, said = script(name, module)
    check(f"{name}.pl takes {what}", code == 0, said)
    return out


def test_variables_in_use_do_not_meet():
    if not os.path.exists(SHAPES):
        raise kit.Skip(f"{SHAPES} is not built")
    run = subprocess.run(["wasm-interp", SHAPES, "--run-all-exports"], capture_output=True, text=True)
    results = dict(line.split("() => ") for line in run.stdout.splitlines())
    # The stack stands first, so what is too deep leaves memory instead of reaching data; it is the last to run.
    check("what calls itself too often traps", "out of bounds memory access" in results.pop("too_deep"), run.stdout)
    equal("shapes", {name for name, got in results.items() if got != "i32:1"}, set())
    check("all shapes ran", len(results) == 9, run.stdout)


def body(*lines):
    return "\n".join(["define i32 @f(i32 %0, ptr %1) {", *("  " + line for line in lines), "  ret i32 0", "}", ""])


def test_frames_refuses_what_it_cannot_know():
    passes("variables at the head", "frames", "@x = internal global i32 0, align 4\n" + body("%3 = alloca [4 x i8], align 1"))
    head = "@x = internal global i32 0, align 4\n"
    memory = "takes memory while it runs"
    refuses("alloca of a varying size", "frames", head + body("%3 = alloca i8, i32 %0, align 16"), memory)
    refuses("alloca in a loop", "frames",
            head + "define void @f() {\n  br label %1\n\n1:\n  %2 = alloca [16 x i8], align 16\n  br label %1\n}\n", memory)
    refuses("a second name", "frames", head + "@g = alias i32 (i32, ptr), ptr @f\n" + body(), "other name")
    refuses("a name of other characters", "frames", head + body('%3 = call i32 @"a b"()'), "a name has other characters")
    refuses("a call that gives a struct by its name", "frames",
            "%struct.s = type { i32 }\n" + head + body("%3 = call %struct.s @g()"), "who is called is not known")
    refuses("assembly", "frames", head + body('call void asm sideeffect "call f", ""()'), "who is called is not known")
    calls = body("%3 = call i32 %1(ptr %1)")
    passes("a pointer that no function has the type of", "frames", head + calls)
    taken = "@x = internal global ptr @g, align 4\ndefine i32 @g(i32 %0) {\n  ret i32 0\n}\n"
    refuses("a pointer of another type", "frames", taken + calls, "of another type")


TEXTS = """@text_pairs = internal constant [4 x i8] c"ab\\00\\00", align 1
@a = private unnamed_addr constant [4 x i8] c"%s\\00", align 1
@table = internal constant [1 x ptr] [ptr @g], align 4
@buffer = internal global [9 x i8] zeroinitializer, align 1
define ptr @g() {
  ret ptr @a
}
define i32 @f(ptr %%0, ptr %%1) {
%s
  ret i32 0
}
"""


def texts(a, *lines):
    return TEXTS % (a, "\n".join("  " + line for line in lines))


def test_texts_says_what_it_knows():
    say = "call void @out_str(ptr %0, ptr "
    passes("a text", "texts", texts("abc", say + "@a)"))
    for name, bytes in (("above 127", "\\C3\\A9c"), ("below 32", "ab\\0A")):
        refuses(f"bytes {name}", "texts", texts(bytes, say + "@a)"), "other characters than ASCII's")
        passes(f"bytes {name} that are not said", "texts", texts(bytes, "%3 = load i8, ptr @a, align 1"))
    unknown = "no text of the program's"
    refuses("a buffer", "texts", texts("abc", say + "@buffer)"), unknown)
    refuses("a place in one", "texts", texts("abc", say + "getelementptr inbounds (i8, ptr @buffer, i32 1))"), unknown)
    refuses("what stands in memory", "texts", texts("abc", "%3 = load ptr, ptr %0, align 4", say + "%3)"), unknown)
    # Enough of one text that its pairs would be worth it.
    many = "ab" * 8
    module = texts("abc", "%3 = call ptr @g()", say + "%3)").replace("[4 x i8] c\"abc", f"[17 x i8] c\"{many}")
    check("a result that whoever has the table may read stays", many in passes("a table of functions", "texts", module), module)
    alone = module.replace("[ptr @g]", "[ptr null]")
    check("what is only said is packed", many not in passes("a result that is said", "texts", alone), alone)


kit.main(globals())
