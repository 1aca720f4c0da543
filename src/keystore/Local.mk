# SPDX-License-Identifier: Apache-2.0
UNITS += keystore
keystore.needs := base repo codec crypto http near protocol secrets sandbox
PROGRAMS += bin/outlayer-keystore
bin/outlayer-keystore.sources := src/keystore/main.c
bin/outlayer-keystore.units := keystore
