"""One small file in each language that a grammar reads, and what stands in it."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """A file, its definitions as ``name first-last header``, and its calls as ``receiver.name line``."""

    text: str
    definitions: tuple[str, ...]
    calls: tuple[str, ...]


_CLASS_TS = """\
interface Priced { price(row: Row): number }
export abstract class Cart<T> extends Base {
  private total(rows: T[]): number {
    return rows.reduce(add) + this.tax(1);
  }
}
const round = (value: number): number => {
  return floor<number>(new Money(value));
};
const limit = 3;
"""
_TS = Sample(
    _CLASS_TS,
    (
        "Priced 1-1 interface Priced",
        "price 1-1 price(row: Row): number",
        "Cart 2-6 abstract class Cart<T> extends Base",
        "total 3-5 private total(rows: T[]): number",
        "round 7-9 round = (value: number): number =>",
    ),
    ("rows.reduce 4", "this.tax 4", ".floor 8", ".Money 8"),
)

SAMPLES: Mapping[str, Sample] = {
    "a.js": Sample(
        """\
class Cart extends Base {
  total(rows, tax = 0) {
    return sum(rows).times(tax);
  }
}
function pay(cart) { return new Bill(cart) }
const later = async (cart) => { await bank.pay(cart) };
""",
        (
            "Cart 1-5 class Cart extends Base",
            "total 2-4 total(rows, tax = 0)",
            "pay 6-6 function pay(cart)",
            "later 7-7 later = async (cart) =>",
        ),
        ("?.times 3", ".sum 3", ".Bill 6", "bank.pay 7"),
    ),
    "a.ts": _TS,
    "a.tsx": Sample(
        "function App(): JSX.Element {\n  return <List rows={load(1)} />;\n}\n",
        ("App 1-3 function App(): JSX.Element",),
        (".load 2",),
    ),
    "a.go": Sample(
        """\
package shop
type Cart struct {
	rows []int
}
func (c *Cart) Total(tax int) (int, error) {
	return money.Round(c.sum(tax)), nil
}
func pay() { round(1) }
""",
        (
            "Cart 2-4 Cart struct {",
            "Total 5-7 func (c *Cart) Total(tax int) (int, error)",
            "pay 8-8 func pay()",
        ),
        ("money.Round 6", "c.sum 6", ".round 8"),
    ),
    "A.java": Sample(
        """\
class Cart<T> extends Base {
  @Override
  public int total(int tax) throws Broken {
    return this.sum(tax) + new Bill(1).amount() + round(1);
  }
  Cart(int x) { super(x); }
}
interface Priced { int price(); }
record Row(int a) { }
enum Kind { A; }
""",
        (
            "Cart 1-7 class Cart<T> extends Base",
            "total 2-5 @Override public int total(int tax) throws Broken",
            "Cart 6-6 Cart(int x)",
            "Priced 8-8 interface Priced",
            "price 8-8 int price();",
            "Row 9-9 record Row(int a)",
            "Kind 10-10 enum Kind",
        ),
        ("this.sum 4", "?.amount 4", ".Bill 4", ".round 4"),
    ),
    "a.rs": Sample(
        """\
struct Cart { rows: i32 }
impl<T> Priced for Cart<T> {
    fn total(&self, tax: i32) -> i32 {
        self.sum(tax) + money::round(1) + Cart::new()
    }
}
trait Priced { fn price(&self); }
mod deep { pub fn walk() {} }
enum Kind { A }
""",
        (
            "Cart 1-1 struct Cart",
            "Cart 2-6 impl<T> Priced for Cart<T>",
            "total 3-5 fn total(&self, tax: i32) -> i32",
            "Priced 7-7 trait Priced",
            "price 7-7 fn price(&self);",
            "deep 8-8 mod deep",
            "walk 8-8 pub fn walk()",
            "Kind 9-9 enum Kind",
        ),
        ("self.sum 4", "money.round 4", "Cart.new 4"),
    ),
    "a.c": Sample(
        """\
struct cart { int rows; };
struct cart *find(int id) {
  return look(id) + db->get(id);
}
static struct cart x;
""",
        ("cart 1-1 struct cart", "find 2-4 struct cart *find(int id)"),
        (".look 3", "db.get 3"),
    ),
    "a.cpp": Sample(
        """\
namespace shop {
class Cart : public Base {
  int total(int tax) const { return sum(tax) + bank.pay<int>(tax) + money::round(1); }
};
}
int shop::Cart::late(int q) { return new Bill(q); }
""",
        (
            "shop 1-5 namespace shop",
            "Cart 2-4 class Cart : public Base",
            "total 3-3 int total(int tax) const",
            "late 6-6 int shop::Cart::late(int q)",
        ),
        (".sum 3", "bank.pay 3", "money.round 3", ".Bill 6"),
    ),
    "a.cs": Sample(
        """\
class Cart : Base {
  public int Total<T>(int tax) { return this.Sum(tax) + Round<int>(tax) + new Bill(1).Amount(); }
  public Cart(int x) {}
  int Tax(int a) => Rate(a);
}
interface IPriced { int Price(); }
""",
        (
            "Cart 1-5 class Cart : Base",
            "Total 2-2 public int Total<T>(int tax)",
            "Cart 3-3 public Cart(int x)",
            "Tax 4-4 int Tax(int a)",
            "IPriced 6-6 interface IPriced",
            "Price 6-6 int Price();",
        ),
        ("this.Sum 2", ".Round 2", "?.Amount 2", ".Bill 2", ".Rate 4"),
    ),
    "a.rb": Sample(
        """\
module Shop
  class Cart < Base
    def total(rows, tax = 0)
      sum(rows).times(tax)
      @bank.pay rows
    end
    def self.make
    end
  end
end
""",
        (
            "Shop 1-10 module Shop",
            "Cart 2-9 class Cart < Base",
            "total 3-6 def total(rows, tax = 0)",
            "make 7-8 def self.make",
        ),
        ("?.times 4", ".sum 4", "@bank.pay 5"),
    ),
    "a.php": Sample(
        """\
<?php
class Cart extends Base {
  public function total(int $tax): int {
    return round($tax) + $this->sum($tax) + Money::of($tax) + (new Bill(1))->amount();
  }
}
function pay($x) { return 1; }
interface Priced { function price(); }
""",
        (
            "Cart 2-6 class Cart extends Base",
            "total 3-5 public function total(int $tax): int",
            "pay 7-7 function pay($x)",
            "Priced 8-8 interface Priced",
            "price 8-8 function price();",
        ),
        (".round 4", "$this.sum 4", "Money.of 4", "?.amount 4", ".Bill 4"),
    ),
    "a.kt": Sample(
        """\
class Cart(val rows: Int) : Base() {
  fun total(tax: Int): Int { return sum(tax) + this.round(tax) + Bill(1).amount() }
  companion object { fun make() = 1 }
}
fun String.price(a: Int) = a
""",
        (
            "Cart 1-4 class Cart(val rows: Int) : Base()",
            "total 2-2 fun total(tax: Int): Int",
            "make 3-3 fun make()",
            "price 5-5 fun String.price(a: Int)",
        ),
        (".sum 2", "this.round 2", "?.amount 2", ".Bill 2"),
    ),
}
