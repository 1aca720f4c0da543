# SPDX-License-Identifier: Apache-2.0
$(eval $(call unit,cli,base repo codec crypto http near protocol tee dcap collateral secrets egress executor builder keystore coordinator,-lssl))
$(eval $(call program,bin,outlayer,src/cli/main.c src/cli/contracts.S,cli,))
# The contracts' code is part of the program; the flavours share it.
$(O)/obj/src/cli/contracts.o: src/cli/contracts.S build/contracts/outlayer.wasm build/contracts/register.wasm \
		build/contracts/asker.wasm
	@mkdir -p $(@D)
	@$(CC) -c -o $@ $<
