;; SPDX-License-Identifier: Apache-2.0
;; A contract that makes and changes accounts by promises. Arguments are taken as they come, without JSON.
;;   make     creates the account that its input names, with one NEAR and the first key as one with all rights
;;   grant    gives its own account the second key, with an allowance of one NEAR, for the methods of r.near in its input
;;   full     gives its own account the key whose bytes its input is, with all rights
;;   revoke   takes the key whose bytes its input is
;;   leave    deletes its own account, for the one that its input names
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "register_len" (func $register_len (param i64) (result i64)))
  (import "env" "read_register" (func $read_register (param i64 i64)))
  (import "env" "current_account_id" (func $current_account_id (param i64)))
  (import "env" "promise_return" (func $promise_return (param i64)))
  (import "env" "promise_batch_create" (func $promise_batch_create (param i64 i64) (result i64)))
  (import "env" "promise_batch_action_create_account" (func $create_account (param i64)))
  (import "env" "promise_batch_action_transfer" (func $transfer (param i64 i64)))
  (import "env" "promise_batch_action_add_key_with_full_access" (func $add_full (param i64 i64 i64 i64)))
  (import "env" "promise_batch_action_add_key_with_function_call"
    (func $add_call (param i64 i64 i64 i64 i64 i64 i64 i64 i64)))
  (import "env" "promise_batch_action_delete_key" (func $delete_key (param i64 i64 i64)))
  (import "env" "promise_batch_action_delete_account" (func $delete_account (param i64 i64 i64)))
  (memory (export "memory") 2)
  (data (i32.const 16) "r.near")
  ;; 80: one NEAR
  (data (i32.const 80) "\00\00\00\a1\ed\cc\ce\1b\c2\d3\00\00\00\00\00\00")
  ;; 128 and 192: ed25519 keys, 32 times the letter A or B
  (data (i32.const 128) "\00AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
  (data (i32.const 192) "\00BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB")
  ;; The input to address 4096; gives its length.
  (func $arguments (result i64)
    (call $input (i64.const 0))
    (call $read_register (i64.const 0) (i64.const 4096))
    (call $register_len (i64.const 0)))
  ;; A batch for this very account.
  (func $own_batch (result i64)
    (call $current_account_id (i64.const 1))
    (call $promise_batch_create (i64.const -1) (i64.const 1)))
  (func (export "make") (local $batch i64)
    (local.set $batch (call $promise_batch_create (call $arguments) (i64.const 4096)))
    (call $create_account (local.get $batch))
    (call $transfer (local.get $batch) (i64.const 80))
    (call $add_full (local.get $batch) (i64.const 33) (i64.const 128) (i64.const 0))
    (call $promise_return (local.get $batch)))
  (func (export "grant") (local $batch i64)
    (local.set $batch (call $own_batch))
    (call $add_call (local.get $batch) (i64.const 33) (i64.const 192) (i64.const 5) (i64.const 80) (i64.const 6)
      (i64.const 16) (call $arguments) (i64.const 4096))
    (call $promise_return (local.get $batch)))
  (func (export "full") (local $batch i64)
    (local.set $batch (call $own_batch))
    (call $add_full (local.get $batch) (call $arguments) (i64.const 4096) (i64.const 0))
    (call $promise_return (local.get $batch)))
  (func (export "revoke") (local $batch i64)
    (local.set $batch (call $own_batch))
    (call $delete_key (local.get $batch) (call $arguments) (i64.const 4096))
    (call $promise_return (local.get $batch)))
  (func (export "leave") (local $batch i64)
    (local.set $batch (call $own_batch))
    (call $delete_account (local.get $batch) (call $arguments) (i64.const 4096))
    (call $promise_return (local.get $batch))))
