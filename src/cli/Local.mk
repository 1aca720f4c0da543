# SPDX-License-Identifier: Apache-2.0
UNITS += cli
cli.needs := base repo codec crypto http near protocol tee dcap collateral secrets egress executor builder keystore queue coordinator
cli.libs := -lssl
PROGRAMS += bin/outlayer
bin/outlayer.sources := src/cli/main.c src/cli/contracts.S
bin/outlayer.units := cli
# The contracts' code is part of the program; the flavours share it.
$(O)/obj/src/cli/contracts.o: src/cli/contracts.S build/contracts/outlayer.wasm build/contracts/register.wasm \
		build/contracts/asker.wasm
	@mkdir -p $(@D)
	@$(CC) -c -o $@ $<
