import { expect } from "chai";
import fc from "fast-check";
import {
  builtinNames,
  builtinScope,
  checkTemplate,
  compileTemplate,
  lineScope,
  renderTemplate,
  type TemplateScope,
  templateNames,
} from "../../model/template.js";

const scope: TemplateScope = {
  name: "Ada",
  n: 3,
  empty: "",
  list: ["b", "a", "c"],
  map: { key: "v", "two words": 2 },
  ...builtinScope({
    stage: "dev",
    scheduledAt: new Date("2026-03-29T22:30:00Z"),
    timezone: "Europe/Paris",
    workDir: "/w",
    codeDir: "/c",
    python: "python3",
  }),
};
const strict = (text: string): string => {
  const { text: rendered, problems } = renderTemplate(text, scope, "strict");
  expect(problems, text).to.deep.equal([]);
  return rendered;
};

describe("renderTemplate", () => {
  const cases: [string, string][] = [
    ["hi {{ name }}!", "hi Ada!"],
    ["{{name}}{{- name -}} x", "AdaAdax"],
    ['{{ missing | default("x") }}', "x"],
    ["{{ missing | d('x') | upper }}", "X"],
    ['{{ empty | default("x", true) }}', "x"],
    ["{% if name == 'Ada' %}yes{% else %}no{% endif %}", "yes"],
    ["{% if missing is defined %}a{% elif n > 2 and not (n is even) %}b{% endif %}", "b"],
    ["{{ 'a' if n < 3 else 'b' }}", "b"],
    [
      "{% for x in list | sort %}{{ loop.index }}{{ x }}{% if not loop.last %},{% endif %}{% endfor %}",
      "1a,2b,3c",
    ],
    ["{% for x in list if x != 'a' %}{{ x }}{% else %}none{% endfor %}", "bc"],
    ["{% for k, v in map.items() %}{{ k }}={{ v }};{% endfor %}", "key=v;two words=2;"],
    ["{% for i in range(3) %}{{ i }}{% endfor %}", "012"],
    ["{% set x = n * 2 %}{{ x + 1 }} {{ -n ** 2 }} {{ 7 // 2 }} {{ -7 % 3 }}", "7 9 3 2"],
    ["{% set body %}<{{ name }}>{% endset %}{{ body }}", "<Ada>"],
    ["{{ map.key }} {{ map['two words'] }} {{ list[0] }} {{ list[-1] }} {{ list.1 }}", "v 2 b c a"],
    ["{{ list | join('-') }} {{ list | length }} {{ list }}", "b-a-c 3 ['b', 'a', 'c']"],
    [
      "{{ name.upper() }} {{ ' x '.strip() }} {{ 'a,b'.split(',')[1] }} {{ name.startswith('A') }}",
      "ADA x b True",
    ],
    ["{{ 'it\\'s' | quote }} {{ 'plain' | shellquote }} {{ '$(x)' | quote }}", `'it'"'"'s' plain '$(x)'`],
    ["{{ 'a' ~ n ~ none }} {{ 'a' in list }} {{ 'z' not in list }} {{ 1 < 2 < 3 }}", "a3None True True True"],
    ["{# a comment #}x{%- if true %} y{% endif -%} z", "x yz"],
    ["{% raw %}{{ .Names }} {% x %}{% endraw %}", "{{ .Names }} {% x %}"],
    ["{{ {'a': {'b': 1}}.a.b }} {{ {'a': 1} | tojson }}", '1 {"a":1}'],
  ];
  for (const [template, text] of cases) it(template, () => expect(strict(template)).to.equal(text));

  it("leaves the shell's own syntax and plain text untouched", () => {
    for (const text of [
      `echo \${VAR} $(date) %} }} \${#list[@]} | awk '{print $1}' > {a,b}.txt\n`,
      "no template",
      "",
      "line\n\n",
      '{"json": {"a": 1}}',
    ]) {
      expect(strict(text)).to.equal(text);
      expect(checkTemplate(text, new Set(), "strict")).to.deep.equal([]);
    }
    expect(strict(`echo \${#x} \${V} {{ name }}\n`)).to.equal(`echo \${#x} \${V} Ada\n`);
  });

  it("computes dates from scheduled_at, in the schedule's zone", () => {
    expect(strict("{{ _yesterday }} {{ _today }} {{ _tomorrow }}")).to.equal(
      "2026-03-29 2026-03-30 2026-03-31",
    );
    expect(strict("{{ scheduled_at }}")).to.equal("2026-03-30T00:30:00+02:00");
    expect(strict('{{ scheduled_at | shift(days=-1) | format("%Y-%m-%d %H:%M %z") }}')).to.equal(
      "2026-03-29 00:30 +0100",
    );
    expect(strict('{{ scheduled_at | shift(hours=-24) | format("%d %H") }}')).to.equal("28 23");
    expect(strict('{{ scheduled_at | tz("UTC") }} {{ scheduled_at | timestamp }}')).to.equal(
      "2026-03-29T22:30:00Z 1774823400",
    );
    expect(strict('{{ scheduled_at.strftime("%a %j %G-W%V %%") }}')).to.equal("Mon 089 2026-W14 %");
    expect(strict("{{ _today | shift(months=-1) }} {{ '2024-03-31' | shift(months=-1) }}")).to.equal(
      "2026-02-28 2024-02-29",
    );
    expect(strict('{{ "2026-01-31" | format("%Y/%m/%d") }}')).to.equal("2026/01/31");
  });

  it("has 0.x's stage names, and a file-safe line", () => {
    expect(strict("{{ _stage_ }}t{{ __stage }} {{ __stage_ }}")).to.equal("dev_t_dev _dev_");
    for (const name of Object.keys(
      builtinScope({
        stage: "",
        scheduledAt: new Date(0),
        timezone: "UTC",
        workDir: "",
        codeDir: "",
        python: "",
        line: "x",
      }),
    )) {
      expect(builtinNames.has(name), name).to.equal(true);
    }
    expect(lineScope("a/b c'd")._line_safe).to.equal("a_b_c_d");
    expect(lineScope("..")._line_safe).to.equal("__");
    expect(lineScope("")._line_safe).to.equal("_");
    void fc.assert(
      fc.property(fc.fullUnicodeString(), (line) =>
        /^(?!\.+$)[\w.-]{1,200}$/.test(lineScope(line)._line_safe),
      ),
    );
  });
});

describe("undefined names", () => {
  it("are errors with their place in strict mode, empty with a warning in lenient", () => {
    const text = "a\nb {{ nmae }} c";
    const { problems } = renderTemplate(text, scope, "strict");
    expect(problems).to.have.length(1);
    expect(problems[0]).to.include({
      severity: "error",
      code: "undefined-name",
      name: "nmae",
      line: 2,
      column: 6,
      hint: "did you mean `name`?",
    });
    expect(text.slice(problems[0]?.offset)).to.match(/^nmae/);
    const lenient = renderTemplate(text, scope, "lenient");
    expect(lenient.text).to.equal("a\nb  c");
    expect(lenient.problems[0]).to.include({ severity: "warning", code: "undefined-name" });
  });

  it("are found in every use", () => {
    for (const text of [
      "{% if u %}x{% endif %}",
      "{% for x in u %}{% endfor %}",
      "{{ u | upper }}",
      "{{ u.a.b }}",
      "{{ 'a' ~ u }}",
      "{{ name | default(u) if u else u }}",
      "{{ u and 1 }}",
      "{{ [u] }}",
      "{{ u.upper() }}",
      "{{ name.nothing }}",
      "{{ map.nothing }}",
      "{{ u is none }}",
      "{% set x = u %}{{ x }}",
    ]) {
      expect(renderTemplate(text, scope, "strict").problems[0]?.code, text).to.equal("undefined-name");
    }
  });
});

describe("checkTemplate", () => {
  const known = new Set(["name", "list", ...builtinNames]);
  const codes = (text: string): string[] =>
    checkTemplate(text, known, "strict").map((p) => `${p.code}:${p.name ?? ""}`);

  it("knows loop and set variables, and guards", () => {
    for (const text of [
      "{% for x in list %}{{ x }}{{ loop.index }}{% endfor %}",
      "{% set y = name %}{{ y }}",
      "{{ u | default('') }}",
      "{{ u.v | default('') }}",
      "{% if u is defined %}{{ u }}{% endif %}",
      "{% for i in range(3) %}{{ i }}{% endfor %}",
    ]) {
      expect(codes(text), text).to.deep.equal([]);
    }
  });

  it("reports names, filters and tests that aren't there, each with a suggestion", () => {
    expect(
      codes("{{ a }} {{ name | uper }} {{ name is strng }}{% for x in list %}{% endfor %}{{ x }}"),
    ).to.have.members([
      "undefined-name:a",
      "unknown-filter:uper",
      "unknown-filter:strng",
      "undefined-name:x",
    ]);
    expect(checkTemplate("{{ name | uper }}", known, "strict")[0]?.hint).to.include("upper");
    expect(checkTemplate("{{ a }}", known, "lenient")[0]?.severity).to.equal("warning");
    expect([...templateNames("{{ a | d(b) }}{% for x in c %}{{ x }}{% endfor %}")]).to.have.members([
      "a",
      "b",
      "c",
    ]);
  });

  const broken = [
    "{{ name",
    "{{ name }",
    "{{ }}",
    "{{ 'a }}",
    "{% if %}{% endif %}",
    "{% if name %}",
    "{% for x %}{% endfor %}",
    "{% endif %}",
    "{% include 'x' %}",
    "{% macro f() %}{% endmacro %}",
    "{% nonsense %}",
    "{{ .Names }}",
    "{{ a b }}",
    "{{ a | }}",
    "{{ (a }}",
    "{# open",
    "{% raw %}",
    "{{ a ? b }}",
    "{{ f(a=1, 2) }}",
    "{{ and }}",
    `{{ ${"(".repeat(5000)} }}`,
    `{{ ${"not ".repeat(5000)} a }}`,
    `{{ ${"a+".repeat(5000)}a }}`,
    "{% if a %}".repeat(5000),
    `{{ ${"-".repeat(5000)}1 }}`,
  ];
  for (const text of broken) {
    it(`refuses \`${text.slice(0, 30)}\` with a place`, () => {
      const [problem] = checkTemplate(text, new Set(["a", "b", "f"]), "strict");
      expect(problem).to.include({ severity: "error", code: "template-syntax" });
      expect(problem?.line).to.be.at.least(1);
      expect(renderTemplate(text, {}, "lenient").problems[0]?.code).to.equal("template-syntax");
    });
  }
});

describe("templates are harmless", () => {
  it("can't reach prototypes, constructors or functions", () => {
    for (const text of [
      `{{ name.constructor.constructor("return process")() }}`,
      `{{ name["constructor"] }}`,
      "{{ map.__proto__ }}",
      "{{ list.constructor }}",
      "{{ __proto__ }}",
      "{{ constructor }}",
      "{{ toString }}",
      "{{ map.hasOwnProperty('a') }}",
      "{{ scheduled_at.constructor }}",
      "{{ scheduled_at.ms }}",
      "{{ range.constructor }}",
      "{{ loop }}",
      "{{ name.length }}",
      "{{ process.env }}",
      "{{ cycler.__init__.__globals__ }}",
      "{{ name | constructor }}",
      "{{ name is constructor }}",
      "{{ ''.__class__.__mro__ }}",
    ]) {
      const { text: rendered, problems } = renderTemplate(text, scope, "strict");
      expect(
        problems.filter((p) => p.severity === "error"),
        text,
      ).to.not.have.length(0);
      expect(rendered, text).to.not.match(/function|native|\[object/);
    }
    expect(strict("{% set x = {'__proto__': 1} %}{{ x | tojson }}")).to.equal('{"__proto__":1}');
    expect(({} as Record<string, unknown>).polluted).to.equal(undefined);
  });

  it("stops what would run or grow for ever, with a diagnostic", function () {
    this.timeout(60_000);
    const twice = (start: string, step: string): string =>
      `{% set x = ${start} %}${`{% set x = ${step} %}`.repeat(60)}{{ x }}`;
    const loop = "{% for a in range(100000) %}";
    for (const text of [
      "{% for i in range(10**9) %}x{% endfor %}",
      `${loop}${loop}${loop}x{% endfor %}{% endfor %}{% endfor %}`,
      twice("'abc'", "x ~ x"),
      twice("'abc'", "x + x"),
      twice("['abc']", "[x, x]"),
      twice("'aaaa'", "x | replace('a', 'aaaa')"),
      twice("'aaaa'", "x | join(x)"),
      twice("['a']", "{'a': x, 'b': x}"),
      twice("'abc'", "x | tojson | tojson ~ x"),
      "{{ '2026-01-01' | shift(years=10**12) }}",
      "{{ scheduled_at | shift(seconds=10**300) }}",
      "{{ 'x' * 10**9 }}",
      "{{ 1 / 0 }}",
      "{{ 'a' - 1 }}",
      "{{ scheduled_at | format('%Q') }}",
      "{{ name | shift(days=1) }}",
      "{{ scheduled_at | shift(day=1) }}",
      "{{ scheduled_at | tz('Mars/Base') }}",
      "{{ name() }}",
      "{% for x in n %}{% endfor %}",
      "{% for a, b in list %}{% endfor %}",
    ]) {
      const { problems } = renderTemplate(text, scope, "lenient");
      expect(problems.at(-1), text.slice(0, 80)).to.include({ severity: "error", code: "template-failed" });
    }
  });

  it("never throws, whatever the text, and checks as it renders", () => {
    const token = fc.constantFrom(
      "{{",
      "}}",
      "{%",
      "%}",
      "{#",
      "#}",
      "-",
      " ",
      "if",
      "else",
      "endif",
      "for",
      "in",
      "endfor",
      "set",
      "=",
      "name",
      "list",
      "u",
      "|",
      "upper",
      "default",
      "(",
      ")",
      "[",
      "]",
      "{",
      "}",
      ".",
      "'",
      "1",
      "is",
      "not",
      "raw",
      "endraw",
      "\n",
      "~",
      "range",
      ",",
      "shift",
      "scheduled_at",
    );
    void fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(token, { maxLength: 25 }).map((t) => t.join(" ")),
        ),
        (text) => {
          const checked = checkTemplate(text, new Set(Object.keys(scope)), "strict");
          const rendered = renderTemplate(text, scope, "strict");
          const refused = (code: string): boolean => checked.some((p) => p.code === code);
          if (refused("template-syntax")) expect(rendered.problems[0]?.code).to.equal("template-syntax");
          if (checked.length === 0) {
            expect(
              rendered.problems.some((p) => p.code === "template-syntax" || p.code === "unknown-filter"),
            ).to.equal(false);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it("quotes any text into one shell word", () => {
    void fc.assert(
      fc.property(fc.fullUnicodeString(), (line) => {
        const quoted = renderTemplate("{{ _line | quote }}", { _line: line }, "strict").text;
        if (/^[\w@%+=:,./-]+$/.test(quoted)) {
          expect(quoted).to.equal(line);
          return;
        }
        const parts = [...quoted.matchAll(/'([^']*)'|"(')"/g)];
        expect(parts.map((p) => p[0]).join("")).to.equal(quoted);
        expect(parts.map((p) => p[1] ?? p[2]).join("")).to.equal(line);
      }),
    );
  });
});

describe("compileTemplate", () => {
  it("renders 100,000 lines from one parse", function () {
    this.timeout(60_000);
    const render = compileTemplate("fetch {{ _line | quote }} > out/{{ _line_safe }}");
    let last = "";
    for (let i = 0; i < 100_000; i++) last = render({ ...scope, ...lineScope(`a b/${i}`) }, "strict").text;
    expect(last).to.equal("fetch 'a b/99999' > out/a_b_99999");
  });
});
