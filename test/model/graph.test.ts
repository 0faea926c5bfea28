import { expect } from "chai";
import fc from "fast-check";
import { findCycle, topologicalOrder } from "../../model/graph.js";

describe("graph", () => {
  it("orders by dependency and keeps the order given otherwise", () => {
    const order = topologicalOrder([
      { name: "c", dependsOn: ["a"] },
      { name: "b", dependsOn: [] },
      { name: "a", dependsOn: ["missing"] },
    ]);
    expect(order.map((item) => item.name)).to.deep.equal(["a", "c", "b"]);
  });

  it("names the cycle alone, without what leads to it", () => {
    const items = [
      { name: "in", dependsOn: ["a"] },
      { name: "a", dependsOn: ["b"] },
      { name: "b", dependsOn: ["a"] },
    ];
    expect(findCycle(items)).to.deep.equal(["a", "b", "a"]);
    expect(() => topologicalOrder(items)).to.throw("cycle");
  });

  it("manages a chain of 100,000", () => {
    const chain = Array.from({ length: 100_000 }, (_, i) => ({
      name: `t${i}`,
      dependsOn: i < 99_999 ? [`t${i + 1}`] : [],
    }));
    expect(findCycle(chain)).to.equal(null);
    expect(topologicalOrder(chain)[0]?.name).to.equal("t99999");
  });

  it("puts each after its dependencies, for any graph without a cycle", () => {
    void fc.assert(
      fc.property(fc.array(fc.array(fc.nat(20), { maxLength: 4 }), { maxLength: 20 }), (edges) => {
        const items = edges.map((targets, i) => ({ name: `${i}`, dependsOn: targets.map(String) }));
        if (findCycle(items)) return;
        const order = topologicalOrder(items).map((item) => item.name);
        expect([...order].sort()).to.deep.equal(items.map((item) => item.name).sort());
        for (const { name, dependsOn } of items) {
          for (const before of dependsOn) {
            if (order.includes(before)) expect(order.indexOf(before)).to.be.lessThan(order.indexOf(name));
          }
        }
      }),
    );
  });
});
