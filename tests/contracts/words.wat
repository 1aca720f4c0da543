;; SPDX-License-Identifier: Apache-2.0
;; A contract for host functions of words and facts that few contracts call. Arguments are taken as they come.
;;   utf8, utf16          log their input
;;   utf8_end, utf16_end  log it up to a zero
;;   panic, abort         end by these; the second as AssemblyScript does, with "no", "f.ts", line 7, column 9
;;   iterate              asks for an iterator over the storage, which is no more
;;   burn                 pays for the instructions that its input names, as contracts of old do
;;   often                logs its input 101 times
;;   store                stores under its input as key
;;   nobody               pays to a promise that is not there
;;   who                  returns who signed, the chain's name, and who is refunded, each up to a comma
;;   seed                 returns the random seed; `code`: the hash of its code, as the name of code of its own
;;   stakes               returns the stake of the account that its input names, all stakes, and what it has locked itself
;;   when                 returns height and epoch, eight bytes each
(module
  (import "env" "input" (func $input (param i64)))
  (import "env" "register_len" (func $register_len (param i64) (result i64)))
  (import "env" "read_register" (func $read_register (param i64 i64)))
  (import "env" "write_register" (func $write_register (param i64 i64 i64)))
  (import "env" "value_return" (func $value_return (param i64 i64)))
  (import "env" "log_utf8" (func $log_utf8 (param i64 i64)))
  (import "env" "log_utf16" (func $log_utf16 (param i64 i64)))
  (import "env" "panic" (func $panic))
  (import "env" "gas" (func $gas (param i32)))
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "env" "storage_write" (func $storage_write (param i64 i64 i64 i64 i64) (result i64)))
  (import "env" "storage_iter_prefix" (func $iter_prefix (param i64 i64) (result i64)))
  (import "env" "promise_batch_action_transfer" (func $transfer (param i64 i64)))
  (import "env" "signer_account_id" (func $signer_account_id (param i64)))
  (import "env" "refund_to_account_id" (func $refund_to_account_id (param i64)))
  (import "env" "chain_id" (func $chain_id (param i64)))
  (import "env" "random_seed" (func $random_seed (param i64)))
  (import "env" "current_contract_code" (func $current_contract_code (param i64) (result i64)))
  (import "env" "block_index" (func $block_index (result i64)))
  (import "env" "epoch_height" (func $epoch_height (result i64)))
  (import "env" "validator_stake" (func $validator_stake (param i64 i64 i64)))
  (import "env" "validator_total_stake" (func $validator_total_stake (param i64)))
  (import "env" "account_locked_balance" (func $account_locked_balance (param i64)))
  (memory (export "memory") 2)
  (data (i32.const 12) "\04\00\00\00n\00o\00")          ;; at 16: two letters of UTF-16
  (data (i32.const 28) "\08\00\00\00f\00.\00t\00s\00")  ;; at 32: four
  (data (i32.const 64) ",")
  (global $end (mut i64) (i64.const 8192))
  ;; The input to address 4096, a zero behind it; gives its length.
  (func $arguments (result i64)
    (call $input (i64.const 0))
    (call $read_register (i64.const 0) (i64.const 4096))
    (call $register_len (i64.const 0)))
  ;; Register 1, and a comma, behind what is at 8192 already.
  (func $append
    (call $read_register (i64.const 1) (global.get $end))
    (global.set $end (i64.add (global.get $end) (call $register_len (i64.const 1))))
    (call $write_register (i64.const 2) (i64.const 1) (i64.const 64))
    (call $read_register (i64.const 2) (global.get $end))
    (global.set $end (i64.add (global.get $end) (i64.const 1))))
  (func (export "utf8") (call $log_utf8 (call $arguments) (i64.const 4096)))
  (func (export "utf16") (call $log_utf16 (call $arguments) (i64.const 4096)))
  (func (export "utf8_end") (drop (call $arguments)) (call $log_utf8 (i64.const -1) (i64.const 4096)))
  (func (export "utf16_end") (drop (call $arguments)) (call $log_utf16 (i64.const -1) (i64.const 4096)))
  (func (export "panic") (call $panic))
  (func (export "abort") (call $abort (i32.const 16) (i32.const 32) (i32.const 7) (i32.const 9)))
  (func (export "iterate") (drop (call $iter_prefix (i64.const 1) (i64.const 64))))
  (func (export "burn") (drop (call $arguments)) (call $gas (i32.load (i32.const 4096))))
  (func (export "often") (local $i i32)
    (loop $again
      (call $log_utf8 (call $arguments) (i64.const 4096))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $again (i32.lt_u (local.get $i) (i32.const 101)))))
  (func (export "store")
    (drop (call $storage_write (call $arguments) (i64.const 4096) (i64.const 1) (i64.const 64) (i64.const 0))))
  (func (export "nobody") (call $transfer (i64.const 7) (i64.const 128)))
  (func (export "who")
    (call $signer_account_id (i64.const 1)) (call $append)
    (call $chain_id (i64.const 1)) (call $append)
    (call $refund_to_account_id (i64.const 1)) (call $append)
    (call $value_return (i64.sub (global.get $end) (i64.const 8192)) (i64.const 8192)))
  (func (export "seed")
    (call $random_seed (i64.const 1)) (call $append)
    (call $value_return (i64.const 32) (i64.const 8192)))
  (func (export "code")
    (drop (call $current_contract_code (i64.const 1))) (call $append)
    (call $value_return (i64.const 32) (i64.const 8192)))
  (func (export "stakes")
    (call $validator_stake (call $arguments) (i64.const 4096) (i64.const 8192))
    (call $validator_total_stake (i64.const 8208))
    (call $account_locked_balance (i64.const 8224))
    (call $value_return (i64.const 48) (i64.const 8192)))
  (func (export "when")
    (i64.store (i32.const 8192) (call $block_index))
    (i64.store (i32.const 8200) (call $epoch_height))
    (call $value_return (i64.const 16) (i64.const 8192))))
