# SPDX-License-Identifier: Apache-2.0
UNITS += executor
executor.needs := base codec crypto wasm sandbox egress
executor.libs := -lsodium
PROGRAMS += bin/outlayer-executor
bin/outlayer-executor.sources := src/executor/main.c
bin/outlayer-executor.units := executor
# An executor that lies, for tests.
PROGRAMS += help/lying-executor
help/lying-executor.sources := src/executor/main_liar.c
help/lying-executor.units := executor
$(O)/test/verdict_test $(O)/test/code_test: | $(O)/help/lying-executor

# An executor lives under a limit of its address space, in which no sanitizer can: what is tested under one is the asking
# side, with the release's executor; so in every flavour.
# In the release itself that is one of its own programs: a second make in the same folder would meet the first one there.
$(O)/test/executor_test $(O)/test/pool_test: | $(if $(filter build,$(O)),build/bin/outlayer-executor,release-executor)
# CC of the command line is the flavour's compiler, not the release's.
.PHONY: release-executor
release-executor:
	@$(MAKE) FLAVOUR=release O=build CC="$(strip $(filter %ccache,$(CC)) gcc)" build/bin/outlayer-executor
