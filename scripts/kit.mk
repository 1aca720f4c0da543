# SPDX-License-Identifier: Apache-2.0
# What a Local.mk says, in named variables, and what becomes of it. scripts/check_layers.py reads the same names.
#
#   UNITS += store                       src/store is a unit: its sources without tests become libstore.a
#   store.needs := base codec            the units whose headers it may include, and which are linked with it
#   store.libs := -lsqlite3              libraries that are linked with it
#
#   PROGRAMS += bin/outlayer             a program, by its path below build/; bin, test, fuzz, bench, help, tool or hostile
#   bin/outlayer.sources := …            of .c and .S
#   bin/outlayer.units := cli            and what those need
#   bin/outlayer.libs := …               besides those of the units
#
#   src/store.flags := …                 how sources of a folder are compiled, besides CFLAGS
#   TESTED += contracts/sdk              each *_test.c and *_fuzz.c of the folder is a program; those of a unit are by themselves
#   contracts/sdk.test_sources := …      what each test of the folder is made of besides its own source; so fuzz_sources,
#   contracts/sdk.test_units := …        fuzz_units,
#   contracts/sdk.test_libs := …         and fuzz_libs
UNITS :=
PROGRAMS :=
TESTED :=
# Prerequisites may be computed from names that are not known yet: $$(call …).
.SECONDEXPANSION:

# $(call sources_in,FOLDER): what is no test, no fuzz target and no main.
sources_in = $(filter-out %_test.c %_fuzz.c $(1)/main%.c,$(wildcard $(1)/*.c))
objects = $(patsubst %.S,$(O)/obj/%.o,$(patsubst %.c,$(O)/obj/%.o,$(1)))
# $(call linked,UNITS): these and what they need.
linked = $(sort $(foreach u,$(1),$($(u).with_needs)))
archives = $(foreach u,$(call linked,$(1)),$(O)/lib/lib$(u).a)
libraries = $(foreach u,$(call linked,$(1)),$($(u).libs))
# $(call programs_of,KIND): where those of a kind are made.
programs_of = $(addprefix $(O)/,$(filter $(1)/%,$(PROGRAMS)))

$(O)/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS) $($(patsubst %/,%,$(dir $<)).flags) -MMD -MP -c -o $@ $<
