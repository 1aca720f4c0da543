# SPDX-License-Identifier: Apache-2.0
# Programs that try to get out of every confinement (attempt.h), for tests/hostile_test.py. Never installed.
HOSTILE_ATTEMPTS := $(addprefix tests/hostile/,attempt.c descriptors.c processes.c sockets.c kernel.c files.c \
	resources.c forged.c)
PROGRAMS += hostile/hostile hostile/escaped
hostile/hostile.sources := $(addprefix tests/hostile/,hostile.c boxes.c runs.c ground.c) $(HOSTILE_ATTEMPTS)
hostile/hostile.units := builder executor
hostile/escaped.sources := src/executor/main.c tests/hostile/escaped.c $(HOSTILE_ATTEMPTS)
hostile/escaped.units := executor
hostile/escaped.libs := -Wl,--wrap=engine_run -Wl,--wrap=engine_validate
tests/hostile.flags := -isystem build/engine/include
# Runs in boxes that may show no libraries at all.
$(O)/hostile/attack: $(call objects,tests/hostile/attack.c $(HOSTILE_ATTEMPTS))
	@mkdir -p $(@D)
	@echo "  LINK $@"
	@$(CC) -o $@ $^ -static-pie -pthread $(CFLAGS_$(FLAVOUR))
$(O)/hostile/hostile: | $(O)/bin/outlayer-sandbox $(O)/bin/outlayer-broker $(O)/hostile/attack $(O)/hostile/escaped

.PHONY: hostile-programs
hostile-programs: $(call programs_of,hostile) $(O)/hostile/attack
