// SPDX-License-Identifier: Apache-2.0
// The contracts' code as bytes of this program: what is deployed is what was built with it.
    .section .rodata
    .global cli_outlayer_wasm, cli_outlayer_wasm_end, cli_register_wasm, cli_register_wasm_end
    .global cli_asker_wasm, cli_asker_wasm_end
    .balign 16
cli_outlayer_wasm:
    .incbin "build/contracts/outlayer.wasm"
cli_outlayer_wasm_end:
    .balign 16
cli_register_wasm:
    .incbin "build/contracts/register.wasm"
cli_register_wasm_end:
    .balign 16
cli_asker_wasm:
    .incbin "build/contracts/asker.wasm"
cli_asker_wasm_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
