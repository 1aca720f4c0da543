;; SPDX-License-Identifier: Apache-2.0
;; Two components in one: a program hands a list and a string to its neighbour and gets a list back. The engine makes an
;; adapter between their memories. `composed` among the seeds is this, assembled.
(component
  (component $inner
    (core module $m
      (memory (export "memory") 2)
      (global $next (mut i32) (i32.const 1024))
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at))
      ;; the bytes of the list, one more each; and the length of the string in front
      (func (export "add") (param $p i32) (param $n i32) (param $s i32) (param $sn i32) (result i32)
        (local $i i32)
        (block $done (loop $l
          (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
          (i32.store8 (i32.add (local.get $p) (local.get $i))
            (i32.add (i32.load8_u (i32.add (local.get $p) (local.get $i))) (local.get $sn)))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $l)))
        (i32.store (i32.const 16) (local.get $p))
        (i32.store (i32.const 20) (local.get $n))
        (i32.const 16)))
    (core instance $i (instantiate $m))
    (func (export "add") (param "bytes" (list u8)) (param "word" string) (result (list u8))
      (canon lift (core func $i "add") (memory (core memory $i "memory")) (realloc (core func $i "cabi_realloc")))))
  (component $outer
    (import "add" (func $add (param "bytes" (list u8)) (param "word" string) (result (list u8))))
    (core module $libc
      (memory (export "memory") 2)
      (global $next (mut i32) (i32.const 1024))
      (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        (local $at i32)
        (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
        (global.set $next (i32.add (local.get $at) (local.get 3)))
        (local.get $at)))
    (core module $main
      (import "inner" "add" (func $add (param i32 i32 i32 i32 i32)))
      (import "libc" "memory" (memory 2))
      (data (i32.const 64) "\01\02\03abc")
      (func (export "run") (result i32)
        (call $add (i32.const 64) (i32.const 3) (i32.const 67) (i32.const 3) (i32.const 32))
        ;; 4, 5, 6 are right
        (i32.or
          (i32.ne (i32.load (i32.const 36)) (i32.const 3))
          (i32.ne (i32.and (i32.load (i32.load (i32.const 32))) (i32.const 0xffffff)) (i32.const 0x060504)))))
    (core instance $libc (instantiate $libc))
    (core func $add (canon lower (func $add) (memory (core memory $libc "memory")) (realloc (core func $libc "cabi_realloc"))))
    (core instance $main (instantiate $main
      (with "inner" (instance (export "add" (func $add))))
      (with "libc" (instance $libc))))
    (func $run (result (result)) (canon lift (core func $main "run")))
    (instance $run (export "run" (func $run)))
    (export "wasi:cli/run@0.2.0" (instance $run)))
  (instance $inner (instantiate $inner))
  (instance $outer (instantiate $outer (with "add" (func $inner "add"))))
  (export "wasi:cli/run@0.2.0" (instance $outer "wasi:cli/run@0.2.0")))
