# SPDX-License-Identifier: Apache-2.0
UNITS += cli
cli.needs := base repo codec crypto http near protocol tee dcap collateral secrets egress executor builder keystore queue coordinator
cli.libs := -lssl
PROGRAMS += bin/outlayer
bin/outlayer.sources := src/cli/main.c src/cli/contracts.S src/cli/templates.S
bin/outlayer.units := cli
src/cli.test_sources := src/cli/templates.S
# The contracts' code is part of the program; the flavours share it.
$(O)/obj/src/cli/contracts.o: src/cli/contracts.S build/contracts/outlayer.wasm build/contracts/register.wasm \
		build/contracts/asker.wasm
	@mkdir -p $(@D)
	@$(CC) -c -o $@ $<
# What `outlayer init` writes is part of the program, too.
$(O)/obj/src/cli/templates.o: src/cli/templates.S $(shell find src/cli/templates -type f)
	@mkdir -p $(@D)
	@$(CC) -c -o $@ $<
