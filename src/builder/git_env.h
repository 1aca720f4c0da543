// SPDX-License-Identifier: Apache-2.0
// What git is told wherever it reads what a stranger made: no configuration but ours, no hooks, no questions, no
// reflog. Beside it belong GIT_DIR, so that it never looks for a repository (and its configuration) by itself,
// GIT_CONFIG_GLOBAL and GIT_ALLOW_PROTOCOL.
#pragma once

#define GIT_PLAIN_ENV                                                                                                  \
    "LC_ALL=C.UTF-8", "GIT_CONFIG_NOSYSTEM=1", "GIT_ATTR_NOSYSTEM=1", "GIT_TERMINAL_PROMPT=0",                         \
        "GIT_ASKPASS=/usr/bin/false", "GIT_NO_REPLACE_OBJECTS=1", "GIT_CONFIG_COUNT=6",                                \
        "GIT_CONFIG_KEY_0=core.hooksPath", "GIT_CONFIG_VALUE_0=/dev/null", "GIT_CONFIG_KEY_1=gc.auto",                 \
        "GIT_CONFIG_VALUE_1=0", "GIT_CONFIG_KEY_2=submodule.recurse", "GIT_CONFIG_VALUE_2=false",                      \
        "GIT_CONFIG_KEY_3=advice.detachedHead", "GIT_CONFIG_VALUE_3=false", "GIT_CONFIG_KEY_4=core.fsync",             \
        "GIT_CONFIG_VALUE_4=none", "GIT_CONFIG_KEY_5=core.logAllRefUpdates", "GIT_CONFIG_VALUE_5=false"
