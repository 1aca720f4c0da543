// SPDX-License-Identifier: Apache-2.0
// The files that `outlayer init` writes (src/cli/templates), as bytes of this program.
    .section .rodata
.macro template name, file
    .global cli_template_\name, cli_template_\name\()_end
cli_template_\name:
    .incbin "src/cli/templates/\file"
cli_template_\name\()_end:
    .byte 0
.endm
    template readme, README.md.in
    template c_main, c/main.c.in
    template c_makefile, c/Makefile.in
    template c_gitignore, c/gitignore.in
    template cpp_main, cpp/main.cpp.in
    template cpp_makefile, cpp/Makefile.in
    template cpp_gitignore, cpp/gitignore.in
    template rust_main, rust/src/main.rs.in
    template rust_manifest, rust/Cargo.toml.in
    template rust_lock, rust/Cargo.lock.in
    template rust_gitignore, rust/gitignore.in
    .section .note.GNU-stack,"",%progbits
