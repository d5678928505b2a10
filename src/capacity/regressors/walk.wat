;; The walk of walk.ts for blocks of rows, in WebAssembly: seven rows of one tree at once, each from the root to its leaf.
;; Every address was checked when the nodes were packed and lies inside a memory that never grows.
;;   0 ..       16 bytes a node, as PackedNodes has them, where what is asked for is the offset in a group of rows
;;   $rows ..   float64, $group bytes for seven rows side by side: of each feature their seven numbers, and NaN last, where
;;              a leaf keeps a walk
;;   $sums ..   float64, one per row
;; With a group in one place, and not seven rows in seven, what goes on at once fits in the registers.
(module
  (memory (import "walk" "memory") 1)
  (func (export "add")
    (param $root i32) (param $rows i32) (param $group i32) (param $groups i32) (param $scale f64) (param $sums i32)
    (local $at_a i32) (local $at_b i32) (local $at_c i32) (local $at_d i32) (local $at_e i32) (local $at_f i32) (local $at_g i32)
    (local $asks_a i32) (local $asks_b i32) (local $asks_c i32) (local $asks_d i32) (local $asks_e i32) (local $asks_f i32) (local $asks_g i32)
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $groups)))
        (local.set $at_a (local.get $root))
        (local.set $at_b (local.get $root))
        (local.set $at_c (local.get $root))
        (local.set $at_d (local.get $root))
        (local.set $at_e (local.get $root))
        (local.set $at_f (local.get $root))
        (local.set $at_g (local.get $root))
        (block $arrived
          (loop $step
            (local.set $asks_a (i32.load (local.get $at_a)))
            (local.set $asks_b (i32.load (local.get $at_b)))
            (local.set $asks_c (i32.load (local.get $at_c)))
            (local.set $asks_d (i32.load (local.get $at_d)))
            (local.set $asks_e (i32.load (local.get $at_e)))
            (local.set $asks_f (i32.load (local.get $at_f)))
            (local.set $asks_g (i32.load (local.get $at_g)))
            (br_if $arrived
              (i32.and (i32.and (i32.and (i32.and (i32.and (i32.and (i32.and (local.get $asks_a) (local.get $asks_b)) (local.get $asks_c)) (local.get $asks_d)) (local.get $asks_e)) (local.get $asks_f)) (local.get $asks_g)) (i32.const 1)))
            (local.set $at_a
              (i32.add
                (i32.load offset=4 (local.get $at_a))
                (i32.shl
                  (f64.gt
                    (f64.load offset=0 (i32.add (local.get $rows) (i32.shr_u (local.get $asks_a) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_a)))
                  (i32.const 4))))
            (local.set $at_b
              (i32.add
                (i32.load offset=4 (local.get $at_b))
                (i32.shl
                  (f64.gt
                    (f64.load offset=8 (i32.add (local.get $rows) (i32.shr_u (local.get $asks_b) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_b)))
                  (i32.const 4))))
            (local.set $at_c
              (i32.add
                (i32.load offset=4 (local.get $at_c))
                (i32.shl
                  (f64.gt
                    (f64.load offset=16 (i32.add (local.get $rows) (i32.shr_u (local.get $asks_c) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_c)))
                  (i32.const 4))))
            (local.set $at_d
              (i32.add
                (i32.load offset=4 (local.get $at_d))
                (i32.shl
                  (f64.gt
                    (f64.load offset=24 (i32.add (local.get $rows) (i32.shr_u (local.get $asks_d) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_d)))
                  (i32.const 4))))
            (local.set $at_e
              (i32.add
                (i32.load offset=4 (local.get $at_e))
                (i32.shl
                  (f64.gt
                    (f64.load offset=32 (i32.add (local.get $rows) (i32.shr_u (local.get $asks_e) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_e)))
                  (i32.const 4))))
            (local.set $at_f
              (i32.add
                (i32.load offset=4 (local.get $at_f))
                (i32.shl
                  (f64.gt
                    (f64.load offset=40 (i32.add (local.get $rows) (i32.shr_u (local.get $asks_f) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_f)))
                  (i32.const 4))))
            (local.set $at_g
              (i32.add
                (i32.load offset=4 (local.get $at_g))
                (i32.shl
                  (f64.gt
                    (f64.load offset=48 (i32.add (local.get $rows) (i32.shr_u (local.get $asks_g) (i32.const 2))))
                    (f64.load offset=8 (local.get $at_g)))
                  (i32.const 4))))
            (br $step)))
        (f64.store offset=0 (local.get $sums)
          (f64.add
            (f64.load offset=0 (local.get $sums))
            (f64.mul (local.get $scale) (f64.load offset=8 (local.get $at_a)))))
        (f64.store offset=8 (local.get $sums)
          (f64.add
            (f64.load offset=8 (local.get $sums))
            (f64.mul (local.get $scale) (f64.load offset=8 (local.get $at_b)))))
        (f64.store offset=16 (local.get $sums)
          (f64.add
            (f64.load offset=16 (local.get $sums))
            (f64.mul (local.get $scale) (f64.load offset=8 (local.get $at_c)))))
        (f64.store offset=24 (local.get $sums)
          (f64.add
            (f64.load offset=24 (local.get $sums))
            (f64.mul (local.get $scale) (f64.load offset=8 (local.get $at_d)))))
        (f64.store offset=32 (local.get $sums)
          (f64.add
            (f64.load offset=32 (local.get $sums))
            (f64.mul (local.get $scale) (f64.load offset=8 (local.get $at_e)))))
        (f64.store offset=40 (local.get $sums)
          (f64.add
            (f64.load offset=40 (local.get $sums))
            (f64.mul (local.get $scale) (f64.load offset=8 (local.get $at_f)))))
        (f64.store offset=48 (local.get $sums)
          (f64.add
            (f64.load offset=48 (local.get $sums))
            (f64.mul (local.get $scale) (f64.load offset=8 (local.get $at_g)))))
        (local.set $rows (i32.add (local.get $rows) (local.get $group)))
        (local.set $sums (i32.add (local.get $sums) (i32.const 56)))
        (local.set $groups (i32.sub (local.get $groups) (i32.const 1)))
        (br $next)))))
