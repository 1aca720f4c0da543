// SPDX-License-Identifier: Apache-2.0
// What a file that a build left is: told by its first bytes and its sections' names, not by its own name. Whether it is
// valid is the engine's to say.
#pragma once
#include "base/slice.h"

enum artifact_kind {
    ARTIFACT_NONE,      // not WebAssembly, or torn
    ARTIFACT_CORE,      // a core module
    ARTIFACT_OBJECT,    // a relocatable object of the compiler, not linked yet
    ARTIFACT_COMPONENT, // a component
};
enum artifact_kind artifact_kind(struct slice bytes);
// Whether it can be started: a core module exports the function `_start`, a component the interface wasi:cli/run. It is
// looked at as far as choosing among a build's modules needs; whether it runs, the engine finds out.
bool artifact_is_program(struct slice bytes);
