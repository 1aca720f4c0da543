;; SPDX-License-Identifier: Apache-2.0
;; A contract each of whose methods ends in a fault of its own, but for the last ones.
;;   outside, null_call, wrong_call, divide, convert, deep   traps
;;   key_outside     a host function is given memory that is not there
;;   range, next     functions that are no more
;;   no_method       a promise to call a method without a name
;;   joint_pay, joint_return, joint_refund   what cannot be done with two promises at once
;;   no_result       the ninth result of none
;;   poor            pays more than there is
;;   join            waits for two promises, then calls `count`
;;   count           returns how many results came, as a digit
(module
  (import "env" "value_return" (func $value_return (param i64 i64)))
  (import "env" "storage_write" (func $storage_write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "storage_iter_range" (func $iter_range (param i64 i64 i64 i64) (result i64)))
  (import "env" "storage_iter_next" (func $iter_next (param i64 i64 i64) (result i64)))
  (import "env" "current_account_id" (func $current_account_id (param i64)))
  (import "env" "promise_batch_create" (func $promise_batch_create (param i64 i64) (result i64)))
  (import "env" "promise_batch_then" (func $promise_batch_then (param i64 i64 i64) (result i64)))
  (import "env" "promise_and" (func $promise_and (param i64 i64) (result i64)))
  (import "env" "promise_return" (func $promise_return (param i64)))
  (import "env" "promise_results_count" (func $promise_results_count (result i64)))
  (import "env" "promise_result" (func $promise_result (param i64 i64) (result i64)))
  (import "env" "promise_set_refund_to" (func $set_refund_to (param i64 i64 i64)))
  (import "env" "promise_batch_action_transfer" (func $transfer (param i64 i64)))
  (import "env" "promise_batch_action_function_call" (func $function_call (param i64 i64 i64 i64 i64 i64 i64)))
  (import "env" "promise_batch_action_function_call_weight"
    (func $function_call_weight (param i64 i64 i64 i64 i64 i64 i64 i64)))
  (type $none (func))
  (type $one (func (param i32)))
  (table 2 funcref)
  (elem (i32.const 0) $never)
  (memory (export "memory") 1)
  (data (i32.const 0) "count")
  ;; 64: no deposit; 80: more than anybody has
  (data (i32.const 80) "\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff\ff")
  (func $never)
  (func $own_batch (result i64)
    (call $current_account_id (i64.const 1))
    (call $promise_batch_create (i64.const -1) (i64.const 1)))
  ;; Two promises to call `count` as one.
  (func $joint (result i64) (local $batch i64)
    (local.set $batch (call $own_batch))
    (call $function_call_weight (local.get $batch) (i64.const 5) (i64.const 0) (i64.const 0) (i64.const 0)
      (i64.const 64) (i64.const 5000000000000) (i64.const 1))
    (i64.store (i32.const 128) (local.get $batch))
    (local.set $batch (call $own_batch))
    (call $function_call_weight (local.get $batch) (i64.const 5) (i64.const 0) (i64.const 0) (i64.const 0)
      (i64.const 64) (i64.const 5000000000000) (i64.const 1))
    (i64.store (i32.const 136) (local.get $batch))
    (call $promise_and (i64.const 128) (i64.const 2)))
  (func (export "outside") (drop (i32.load (i32.const 0x7fffffff))))
  (func (export "null_call") (call_indirect (type $none) (i32.const 1)))
  (func (export "wrong_call") (call_indirect (type $one) (i32.const 0) (i32.const 0)))
  (func (export "divide") (drop (i32.div_u (i32.const 1) (i32.load (i32.const 64)))))
  (func (export "convert") (drop (i32.trunc_f32_u (f32.const nan))))
  (func $deep (export "deep") (call $deep))
  (func (export "key_outside")
    (drop (call $storage_write (i64.const 9) (i64.const 0xffffffff) (i64.const 1) (i64.const 0) (i64.const 0))))
  (func (export "range") (drop (call $iter_range (i64.const 1) (i64.const 0) (i64.const 1) (i64.const 0))))
  (func (export "next") (drop (call $iter_next (i64.const 0) (i64.const 0) (i64.const 1))))
  (func (export "no_method")
    (call $function_call (call $own_batch) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 64)
      (i64.const 1)))
  (func (export "joint_pay") (call $transfer (call $joint) (i64.const 64)))
  (func (export "joint_return") (call $promise_return (call $joint)))
  (func (export "joint_refund") (call $set_refund_to (call $joint) (i64.const 5) (i64.const 0)))
  (func (export "no_result") (drop (call $promise_result (i64.const 9) (i64.const 1))))
  (func (export "poor") (call $transfer (call $own_batch) (i64.const 80)))
  (func (export "join") (local $then i64)
    (local.set $then (call $joint))
    (call $current_account_id (i64.const 1))
    (local.set $then (call $promise_batch_then (local.get $then) (i64.const -1) (i64.const 1)))
    (call $function_call (local.get $then) (i64.const 5) (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 64)
      (i64.const 5000000000000))
    (call $promise_return (local.get $then)))
  (func (export "count")
    (i64.store8 (i32.const 200) (i64.add (i64.const 48) (call $promise_results_count)))
    (call $value_return (i64.const 1) (i64.const 200))))
