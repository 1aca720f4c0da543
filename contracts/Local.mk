# SPDX-License-Identifier: Apache-2.0
# Contracts: C for NEAR's VM, plain WebAssembly 1.0 (MVP). They do not depend on the flavour of the programs and are always
# made into build/contracts. Compiler, linker and optimiser run as steps of their own: the compiler's driver would run
# wasm-opt by itself where it finds one, so the result would depend on what is installed.
CONTRACT_CC := clang-19
CONTRACT_LD := wasm-ld-19
CONTRACT_RT := /usr/lib/llvm-19/lib/clang/19/lib/wasi/libclang_rt.builtins-wasm32.a
CONTRACT_CODEGEN := --target=wasm32-unknown-unknown -mcpu=mvp -Oz -ffunction-sections -fdata-sections
CONTRACT_CFLAGS := $(CONTRACT_CODEGEN) -flto -std=c23 -Wall -Wextra -Werror -Wshadow \
	-Wmissing-prototypes -Wcast-align -ffreestanding -nostdlib -Icontracts -Isrc
CONTRACT_LDFLAGS := --no-entry --gc-sections --strip-all --stack-first --fatal-warnings
# Only what may call itself keeps variables on the stack (frames.pl): readers of nested JSON. FOLDER.stack is its size in
# bytes, a multiple of 16 and 1024 or more; in whoever uses more the call traps.
contract_stack = $(or $($(1).stack),5632)
# Each byte costs gas in every call. Optimising all sources together saves a tenth; the linker's own code generation would
# use instructions that are not in WebAssembly 1.0, so the compiler generates the code from what the linker optimised.
# Addresses below 1024 are the stack's last ones: with --low-memory-unused no constant offset is added by itself.
# Inlining where it saves less than a call, and running pointers instead of indices, make more code than they save.
# What has been optimised once is laid out anew (flattened, its loops found again) and optimised twice more.
# Variables in memory get fixed places, and what is used most the lowest ones (frames.pl), which takes 6% off, and texts are
# packed (texts.pl); then what branches have in common is merged.
CONTRACT_LTO := --lto-O2 -mllvm -inline-threshold=-100 --save-temps
CONTRACT_AGAIN := -mllvm -disable-lsr -mllvm -inline-threshold=-100 -mllvm -enable-gvn-sink -mllvm -ir-outliner
CONTRACT_IR := -Wno-override-module -x ir
CONTRACT_OPT := --low-memory-unused --code-folding -Oz --converge --flatten --rereloop -Oz --converge -Oz --converge --reorder-functions --mvp-features
sdk_srcs := $(call sources_in,contracts/sdk)

build/contracts/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  WCC  $<"
	@$(CONTRACT_CC) $(CONTRACT_CFLAGS) -MMD -MP -c -o $@ $<

# $(call wasm,NAME,OBJECTS,FOLDER): the objects become build/contracts/NAME.wasm; its imports and exports are exactly those
# listed in FOLDER/imports.txt and FOLDER/exports.txt, and it is no larger than FOLDER/size.txt says.
define wasm
CONTRACTS += build/contracts/$(1).wasm
build/contracts/$(1).wasm: $(2) $(3)/imports.txt $(3)/exports.txt $(wildcard $(3)/size.txt) contracts/gate.sh contracts/ir.pl contracts/frames.pl contracts/texts.pl contracts/Local.mk
	@[ $$(call contract_stack,$(3)) -ge 1024 ] || { echo "$(3).stack must be 1024 or more: wasm-opt takes it that no data is lower" >&2; exit 1; }
	@echo "  WASM $$@"
	@$(CONTRACT_LD) $(CONTRACT_LDFLAGS) -z stack-size=$$(call contract_stack,$(3)) $(CONTRACT_LTO) -o $$@.lto $$(filter %.o,$$^) $(CONTRACT_RT)
	@$(CONTRACT_CC) $(CONTRACT_CODEGEN) -Xclang -disable-llvm-passes $(CONTRACT_IR) -S -emit-llvm -o $$@.lto.ll $$@.lto.0.4.opt.bc
	@contracts/frames.pl <$$@.lto.ll >$$@.lto.fixed.ll
	@contracts/texts.pl <$$@.lto.fixed.ll >$$@.lto.packed.ll
	@$(CONTRACT_CC) $(CONTRACT_CODEGEN) $(CONTRACT_AGAIN) $(CONTRACT_IR) -c -o $$@.obj $$@.lto.packed.ll
	@$(CONTRACT_LD) $(CONTRACT_LDFLAGS) -z stack-size=$$(call contract_stack,$(3)) -o $$@.linked $$@.obj $(CONTRACT_RT)
	@wasm-opt $(CONTRACT_OPT) $$@.linked -o $$@.small
	@contracts/gate.sh $$@.small $(3)
	@mv $$@.small $$@ && rm -f $$@.linked $$@.obj $$@.lto*
endef
# $(call contract,NAME,FOLDER): all sources of the folder, FOLDER.with and the SDK's but FOLDER.without make NAME.wasm.
contract_srcs = $(call sources_in,$(1)) $($(1).with) $(filter-out $($(1).without),$(sdk_srcs))
contract = $(call wasm,$(1),$(patsubst %.c,build/contracts/obj/%.o,$(call contract_srcs,$(2))),$(2))
CONTRACTS :=
$(eval $(call contract,outlayer,contracts/outlayer))
# The verifier's core is compiled into the register contract; its back end there is the node, and its strict reader of JSON
# reads the arguments, too.
contracts/register.with := $(filter-out src/dcap/backend_openssl.c,$(call sources_in,src/dcap))
contracts/register.without := $(addprefix contracts/sdk/,json_in.c json_text.c)
contracts/register.stack := 2048
$(eval $(call contract,register,contracts/register))
EXAMPLES := asker coin_flip counter dao ft nft
$(foreach e,$(EXAMPLES),$(eval $(call contract,$(e),contracts/examples/$(e))))
# For tests alone: of workers, and of frames.pl.
$(eval $(call contract,first_form,tests/contracts/first_form))
$(eval $(call contract,shapes,tests/contracts/shapes))
.PHONY: contracts
contracts: $(CONTRACTS)

# The same sources natively, with a mock host, for unit tests and fuzzing.
native_folders := sdk sdk/mock outlayer outlayer/kit outlayer/abi register register/kit register/abi kit abi examples/kit
$(foreach f,$(native_folders),$(eval contracts/$(f).flags := -Icontracts))
mock_libs := -lsodium -lcrypto
mock := contracts/sdk/mock/mock.c
abi_srcs := contracts/abi/abi.c $(addprefix contracts/kit/,check.c schema.c abi_check.c)
# What a contract is natively.
native_of = $(call sources_in,$(1)) $(filter-out $($(1).without),$(sdk_srcs)) $(mock)

TESTED += contracts/sdk contracts/outlayer contracts/register
contracts/sdk.test_sources := $(sdk_srcs) $(mock)
contracts/sdk.test_libs := $(mock_libs)
contracts/sdk.fuzz_sources := $(sdk_srcs) $(mock)
contracts/sdk.fuzz_libs := $(mock_libs)

contracts/outlayer.test_sources := contracts/outlayer/kit/kit.c contracts/kit/call.c $(abi_srcs) contracts/outlayer/abi/types.c \
	$(call native_of,contracts/outlayer)
contracts/outlayer.test_libs := $(mock_libs) -ljansson
contracts/outlayer.fuzz_sources := $(call native_of,contracts/outlayer)
contracts/outlayer.fuzz_libs := $(mock_libs) -ljansson

# Test quotes come from the programs' units, which have names that the SDK has, too: in one object that shows its own alone.
sample := $(O)/obj/register_sample.o
$(sample): $$(call objects,contracts/register/kit/sample.c) $$(call archives,testpki tee)
	@echo "  LD   $@"
	@ld -r -o $@.all $(filter %.o,$^) --start-group $(filter %.a,$^) --end-group
	@objcopy --wildcard --keep-global-symbol='sample_*' $@.all $@ && rm -f $@.all
$(patsubst contracts/register/%.c,$(O)/test/%,$(wildcard contracts/register/*_test.c)): $(sample)
contracts/register.test_sources := contracts/register/kit/kit.c contracts/kit/call.c $(abi_srcs) contracts/register/abi/types.c \
	$(call native_of,contracts/register)
contracts/register.test_units := dcap
contracts/register.test_libs = $(mock_libs) -ljansson $(call libraries,testpki tee)
contracts/register.fuzz_sources := $(call native_of,contracts/register)
contracts/register.fuzz_units := dcap
contracts/register.fuzz_libs := $(mock_libs) -ljansson

define example
TESTED += contracts/examples/$(1)
contracts/examples/$(1).flags := -Icontracts -Icontracts/examples
contracts/examples/$(1).test_sources := contracts/examples/kit/kit.c contracts/kit/call.c $(call native_of,contracts/examples/$(1))
contracts/examples/$(1).test_libs := $(mock_libs)
endef
$(foreach e,$(EXAMPLES),$(eval $(call example,$(e))))

# What reads a request's words as worker and coordinator do, for the law that what the contract takes is served.
PROGRAMS += help/request-reader
help/request-reader.sources := tests/contracts/request_reader.c tests/contracts/coordinator_reader.c
help/request-reader.units := worker coordinator
$(O)/test/outlayer_reader_test: | $(O)/help/request-reader

# A contract's near-abi JSON, and the tables of its page, from its table of methods.
PROGRAMS += tool/contract_abi tool/register_abi
abi_writer := contracts/abi/main.c contracts/abi/abi.c
tool/contract_abi.sources := $(abi_writer) contracts/outlayer/abi/types.c $(call native_of,contracts/outlayer)
tool/contract_abi.libs := $(mock_libs)
tool/register_abi.sources := $(abi_writer) contracts/register/abi/types.c $(call native_of,contracts/register)
tool/register_abi.units := dcap
tool/register_abi.libs := $(mock_libs)
build/contracts/outlayer_abi.json: $(O)/tool/contract_abi
build/contracts/register_abi.json: $(O)/tool/register_abi
build/contracts/outlayer_abi.json build/contracts/register_abi.json:
	@mkdir -p $(@D) && $< >$@.part && mv $@.part $@
contracts: build/contracts/outlayer_abi.json build/contracts/register_abi.json
# The page's first snippet compiles as it is shown.
build/contracts/sdk_page.o: docs/sdk.md $(wildcard contracts/sdk/*.h)
	@mkdir -p $(@D)
	@echo "  WCC  $<"
	@awk '/^```/ {on = !on && /^```c$$/ && !seen++; next} on' $< | $(CONTRACT_CC) $(CONTRACT_CFLAGS) -c -o $@ -xc -
contracts: build/contracts/sdk_page.o
.PHONY: contract-docs
contract-docs: $(O)/tool/contract_abi $(O)/tool/register_abi
	@$(O)/tool/contract_abi docs/contract.md
	@$(O)/tool/register_abi docs/register.md
-include $(shell find build/contracts/obj -name '*.d' 2>/dev/null)
