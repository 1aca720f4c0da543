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
CONTRACT_LDFLAGS := --no-entry --gc-sections --strip-all --stack-first -z stack-size=4096 --fatal-warnings
# Each byte costs gas in every call. Optimising all sources together saves a tenth; the linker's own code generation would
# use instructions that are not in WebAssembly 1.0, so the compiler generates the code from what the linker optimised.
# Addresses below 1024 are the stack's last ones: with --low-memory-unused no constant offset is added by itself.
# Inlining where it saves less than a call, and running pointers instead of indices, make more code than they save.
# What has been optimised once is laid out anew (flattened, its loops found again) and optimised a second time.
# Variables in memory get fixed places (frames.pl), which takes 4% off; then what branches have in common is merged.
CONTRACT_LTO := --lto-O2 -mllvm -inline-threshold=-20 --save-temps
CONTRACT_AGAIN := -mllvm -disable-lsr -mllvm -inline-threshold=-100 -mllvm -enable-gvn-sink -mllvm -ir-outliner
CONTRACT_IR := -Wno-override-module -x ir
CONTRACT_OPT := --low-memory-unused --code-folding -Oz --converge --flatten --rereloop -Oz --converge --reorder-functions --mvp-features
sdk_srcs := $(wildcard contracts/sdk/*.c)
sdk_srcs := $(filter-out %_test.c %_fuzz.c,$(sdk_srcs))

build/contracts/obj/%.o: %.c
	@mkdir -p $(@D)
	@echo "  WCC  $<"
	@$(CONTRACT_CC) $(CONTRACT_CFLAGS) -MMD -MP -c -o $@ $<

# $(call wasm,NAME,OBJECTS,FOLDER): the objects become build/contracts/NAME.wasm; its imports and exports are exactly those
# listed in FOLDER/imports.txt and FOLDER/exports.txt, and it is no larger than FOLDER/size.txt says.
define wasm
CONTRACTS += build/contracts/$(1).wasm
build/contracts/$(1).wasm: $(2) $(3)/imports.txt $(3)/exports.txt $(wildcard $(3)/size.txt) contracts/gate.sh contracts/frames.pl contracts/Local.mk
	@echo "  WASM $$@"
	@$(CONTRACT_LD) $(CONTRACT_LDFLAGS) $(CONTRACT_LTO) -o $$@.lto $$(filter %.o,$$^) $(CONTRACT_RT)
	@$(CONTRACT_CC) $(CONTRACT_CODEGEN) -Xclang -disable-llvm-passes $(CONTRACT_IR) -S -emit-llvm -o $$@.lto.ll $$@.lto.0.4.opt.bc
	@contracts/frames.pl <$$@.lto.ll >$$@.lto.fixed.ll
	@$(CONTRACT_CC) $(CONTRACT_CODEGEN) $(CONTRACT_AGAIN) $(CONTRACT_IR) -c -o $$@.obj $$@.lto.fixed.ll
	@$(CONTRACT_LD) $(CONTRACT_LDFLAGS) -o $$@.linked $$@.obj $(CONTRACT_RT)
	@wasm-opt $(CONTRACT_OPT) $$@.linked -o $$@.small
	@contracts/gate.sh $$@.small $(3)
	@mv $$@.small $$@ && rm -f $$@.linked $$@.obj $$@.lto*
endef
# $(call contract,NAME,FOLDER,MORE SOURCES,BUT): all sources of the folder, the SDK's but some, and the others make NAME.wasm.
define contract
csrcs_$(1) := $(filter-out %_test.c %_fuzz.c,$(wildcard $(2)/*.c))
$(call wasm,$(1),$(patsubst %.c,build/contracts/obj/%.o,$(filter-out %_test.c %_fuzz.c,$(wildcard $(2)/*.c)) $(3) $(filter-out $(4),$(sdk_srcs))),$(2))
endef
CONTRACTS :=
$(eval $(call contract,outlayer,contracts/outlayer))
# The verifier's core is compiled into the register contract; its back end there is the node, and its strict reader of JSON
# reads the arguments, too.
register_but := contracts/sdk/json_text.c
core_srcs := $(filter-out %_test.c %_fuzz.c src/dcap/backend_openssl.c,$(wildcard src/dcap/*.c))
$(eval $(call contract,register,contracts/register,$(core_srcs),$(register_but)))
EXAMPLES := asker coin_flip counter dao ft nft
$(foreach e,$(EXAMPLES),$(eval $(call contract,$(e),contracts/examples/$(e))))
# For tests of workers alone.
$(eval $(call contract,first_form,tests/contracts/first_form))
.PHONY: contracts
contracts: $(CONTRACTS)

# The same sources natively, with a mock host, for unit tests and fuzzing.
cflags_sdk := -Icontracts
cflags_mock := -Icontracts
cflags_outlayer := -Icontracts
cflags_register := -Icontracts
$(foreach e,$(EXAMPLES),$(eval cflags_$(e) := -Icontracts -Icontracts/examples))
cflags_kit := -Icontracts
cflags_abi := -Icontracts
mock_libs := -lsodium -lcrypto
sdk_native := $(sdk_srcs) contracts/sdk/mock/mock.c
$(foreach t,$(wildcard contracts/sdk/*_test.c),$(eval $(call program,test,$(basename $(notdir $(t))),$(t) $(sdk_native),,-lcmocka $(mock_libs))))
$(foreach t,$(wildcard contracts/outlayer/*_test.c),$(eval $(call program,test,$(basename $(notdir $(t))),$(t) contracts/outlayer/kit/kit.c contracts/kit/call.c contracts/kit/check.c contracts/kit/schema.c contracts/kit/abi_check.c contracts/abi/abi.c contracts/outlayer/abi/types.c $(csrcs_outlayer) $(sdk_native),,-lcmocka $(mock_libs) -ljansson)))
register_native := contracts/register/kit/kit.c contracts/kit/call.c contracts/kit/check.c contracts/kit/schema.c contracts/kit/abi_check.c contracts/abi/abi.c contracts/register/abi/types.c $(csrcs_register) $(filter-out $(register_but),$(sdk_native))
# Test quotes come from the programs' units, which have names that the SDK has, too: in one object that shows its own alone.
sample_units := $(sort $(closure_testpki) $(closure_tee))
$(O)/obj/register_sample.o: $(O)/obj/contracts/register/kit/sample.o $(foreach u,$(sample_units),$(O)/lib/lib$(u).a)
	@echo "  LD   $@"
	@ld -r -o $@.all $(filter %.o,$^) --start-group $(filter %.a,$^) --end-group
	@objcopy --wildcard --keep-global-symbol='sample_*' $@.all $@ && rm -f $@.all
$(foreach t,$(wildcard contracts/register/*_test.c),$(eval $(O)/test/$(basename $(notdir $(t))): $(O)/obj/register_sample.o))
$(foreach t,$(wildcard contracts/register/*_test.c),$(eval $(call program,test,$(basename $(notdir $(t))),$(t) $(register_native),dcap,-lcmocka $(mock_libs) -ljansson $(foreach u,$(sample_units),$(ldlibs_$(u))))))
$(foreach e,$(EXAMPLES),$(foreach t,$(wildcard contracts/examples/$(e)/*_test.c),$(eval $(call program,test,$(basename $(notdir $(t))),$(t) contracts/examples/kit/kit.c contracts/kit/call.c $(csrcs_$(e)) $(sdk_native),,-lcmocka $(mock_libs)))))
$(foreach t,$(wildcard contracts/sdk/*_fuzz.c),$(eval $(call program,fuzz,$(basename $(notdir $(t))),$(t) $(sdk_native) $(if $(filter fuzz,$(FLAVOUR)),,src/base/main_replay.c),$(if $(filter fuzz,$(FLAVOUR)),,base),$(mock_libs) $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer))))
$(foreach t,$(wildcard contracts/register/*_fuzz.c),$(eval $(call program,fuzz,$(basename $(notdir $(t))),$(t) $(csrcs_register) $(filter-out $(register_but),$(sdk_native)) $(if $(filter fuzz,$(FLAVOUR)),,src/base/main_replay.c),dcap,$(mock_libs) -ljansson $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer))))
$(foreach t,$(wildcard contracts/outlayer/*_fuzz.c),$(eval $(call program,fuzz,$(basename $(notdir $(t))),$(t) $(csrcs_outlayer) $(sdk_native) $(if $(filter fuzz,$(FLAVOUR)),,src/base/main_replay.c),$(if $(filter fuzz,$(FLAVOUR)),,base),$(mock_libs) -ljansson $(if $(filter fuzz,$(FLAVOUR)),-fsanitize=fuzzer))))

# What reads a request's words as worker and coordinator do, for the law that what the contract takes is served.
$(eval $(call program,help,request-reader,tests/contracts/request_reader.c tests/contracts/coordinator_reader.c,worker coordinator,))
$(O)/test/outlayer_reader_test: | $(O)/help/request-reader

# The contract's near-abi JSON, and the tables of its page, from its table of methods.
$(eval $(call program,tool,contract_abi,contracts/abi/main.c contracts/abi/abi.c contracts/outlayer/abi/types.c $(csrcs_outlayer) $(sdk_native),,$(mock_libs)))
build/contracts/outlayer_abi.json: $(O)/tool/contract_abi
	@mkdir -p $(@D) && $< >$@.part && mv $@.part $@
contracts: build/contracts/outlayer_abi.json
$(eval $(call program,tool,register_abi,contracts/abi/main.c contracts/abi/abi.c contracts/register/abi/types.c $(csrcs_register) $(filter-out $(register_but),$(sdk_native)),dcap,$(mock_libs)))
build/contracts/register_abi.json: $(O)/tool/register_abi
	@mkdir -p $(@D) && $< >$@.part && mv $@.part $@
contracts: build/contracts/register_abi.json
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
