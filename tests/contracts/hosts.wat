;; SPDX-License-Identifier: Apache-2.0
;; A contract for host functions that few contracts call. Arguments are taken as they come, without JSON.
;;   refund      sends itself a call of `fail` with one NEAR, which goes to the account that its input names when it fails
;;   fail        executes `unreachable`
;;   yield_id    yields to `answered` under the id that its input is; returns the promise, or "taken" when the id waits
;;   resume_id   resumes what waits under the first 32 bytes of its input with the rest; returns "1" or "0"
;;   answered    returns what came, or "timeout"
;;   stake       stakes one NEAR of its account with the key that signed
;;   keep        stores its input under "k"
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "register_len" (func $register_len (param i64) (result i64)))
  (import "env" "read_register" (func $read_register (param i64 i64)))
  (import "env" "value_return" (func $value_return (param i64 i64)))
  (import "env" "storage_write" (func $storage_write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "current_account_id" (func $current_account_id (param i64)))
  (import "env" "signer_account_pk" (func $signer_account_pk (param i64)))
  (import "env" "promise_return" (func $promise_return (param i64)))
  (import "env" "promise_result" (func $promise_result (param i64 i64) (result i64)))
  (import "env" "promise_batch_create" (func $promise_batch_create (param i64 i64) (result i64)))
  (import "env" "promise_set_refund_to" (func $set_refund_to (param i64 i64 i64)))
  (import "env" "promise_batch_action_function_call" (func $function_call (param i64 i64 i64 i64 i64 i64 i64)))
  (import "env" "promise_batch_action_stake" (func $batch_stake (param i64 i64 i64 i64)))
  (import "env" "promise_yield_create_with_id" (func $yield_create_with_id (param i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)))
  (import "env" "promise_yield_resume_with_yield_id" (func $yield_resume_with_id (param i64 i64 i64 i64) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0) "k")
  (data (i32.const 8) "fail")
  (data (i32.const 16) "answered")
  (data (i32.const 24) "timeout")
  (data (i32.const 32) "taken")
  ;; 64: sixteen zero bytes, no deposit; 80: one NEAR
  (data (i32.const 80) "\00\00\00\a1\ed\cc\ce\1b\c2\d3\00\00\00\00\00\00")
  ;; The input to address 4096; gives its length.
  (func $arguments (result i64)
    (call $input (i64.const 0))
    (call $read_register (i64.const 0) (i64.const 4096))
    (call $register_len (i64.const 0)))
  ;; A batch for this very account.
  (func $own_batch (result i64)
    (call $current_account_id (i64.const 1))
    (call $promise_batch_create (i64.const -1) (i64.const 1)))
  (func (export "refund") (local $batch i64)
    (local.set $batch (call $own_batch))
    (call $function_call (local.get $batch) (i64.const 4) (i64.const 8) (i64.const 0) (i64.const 0) (i64.const 80)
      (i64.const 10000000000000))
    (call $set_refund_to (local.get $batch) (call $arguments) (i64.const 4096)))
  (func (export "fail") unreachable)
  (func (export "yield_id") (local $promise i64)
    (local.set $promise (call $yield_create_with_id (i64.const 8) (i64.const 16) (i64.const 0) (i64.const 0) (i64.const 64)
      (i64.const 20000000000000) (i64.const 0) (call $arguments) (i64.const 4096)))
    (if (i64.eq (local.get $promise) (i64.const -1))
      (then (call $value_return (i64.const 5) (i64.const 32)))
      (else (call $promise_return (local.get $promise)))))
  (func (export "resume_id") (local $n i64)
    (local.set $n (call $arguments))
    (i32.store8 (i32.const 40) (i32.add (i32.const 48) (call $yield_resume_with_id
      (i64.const 32) (i64.const 4096) (i64.sub (local.get $n) (i64.const 32)) (i64.const 4128))))
    (call $value_return (i64.const 1) (i64.const 40)))
  (func (export "answered")
    (if (i64.eq (call $promise_result (i64.const 0) (i64.const 0)) (i64.const 1))
      (then (call $value_return (i64.const -1) (i64.const 0)))
      (else (call $value_return (i64.const 7) (i64.const 24)))))
  (func (export "stake")
    (call $signer_account_pk (i64.const 2))
    (call $batch_stake (call $own_batch) (i64.const 80) (i64.const -1) (i64.const 2)))
  (func (export "keep")
    (call $input (i64.const 0))
    (drop (call $storage_write (i64.const 1) (i64.const 0) (i64.const -1) (i64.const 0) (i64.const 1)))))
