;; SPDX-License-Identifier: Apache-2.0
;; Asks the host for 1,000 random bytes and writes 100 of them to standard output: what that costs is known to the last
;; instruction. `host` among the seeds is this, assembled; `insecure` is the same with wasi:random/insecure.
(component
  (import "wasi:random/random@0.2.0" (instance $random
    (export "get-random-bytes" (func (param "len" u64) (result (list u8))))))
  (import "wasi:io/error@0.2.0" (instance $error (export "error" (type (sub resource)))))
  (alias export $error "error" (type $error-type))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error-type (type $e))
    (export "error" (type $error2 (eq $e)))
    (type $own-error (own $error2))
    (type $failure (variant (case "last-operation-failed" $own-error) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "output-stream" (type $out (sub resource)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $out-type))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $out-type (type $o))
    (export "output-stream" (type $out (eq $o)))
    (export "get-stdout" (func (result (own $out))))))
  (core module $libc
    (memory (export "memory") 2)
    (global $next (mut i32) (i32.const 1024))
    (func (export "my_realloc") (param i32 i32 i32 i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $next))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at)))
  (core module $main
    (import "host" "random" (func $random (param i64 i32)))
    (import "host" "stdout" (func $stdout (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "libc" "memory" (memory 2))
    (func (export "run") (result i32)
      (call $random (i64.const 1000) (i32.const 16))
      (call $write (call $stdout) (i32.load (i32.const 16)) (i32.const 100) (i32.const 32))
      (i32.load8_u (i32.const 32))))
  (core instance $libc (instantiate $libc))
  (core func $random (canon lower (func $random "get-random-bytes") (memory (core memory $libc "memory"))
    (realloc (core func $libc "my_realloc"))))
  (core func $get (canon lower (func $stdout "get-stdout")))
  (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
    (memory (core memory $libc "memory"))))
  (core instance $main (instantiate $main
    (with "host" (instance (export "random" (func $random)) (export "stdout" (func $get)) (export "write" (func $write))))
    (with "libc" (instance $libc))))
  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run)))
