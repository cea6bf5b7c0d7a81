# {{ made_by }}
"""Checks of PyDeequ, one a declaration of rules.

    import checks
    verdicts = checks.run(spark)

Each rule is a column of one row: on how many days it is broken. Deequ's own measures
mean something else: its uniqueness is the share of values that occur once, and none of
them goes by local day or knows which rows are clean.
"""

from pydeequ.checks import Check, CheckLevel
from pydeequ.verification import VerificationResult, VerificationSuite

# The zone in which days begin and end.
ZONE = {{ zone|py(0, 7) }}

# The rules of each declaration: what they are called, what they must satisfy, and the
# days on which they do not.
RULES = {
{% for declaration in declarations %}
    {{ declaration.name|py(4, 3) }}: {
        "level": "{{ declaration.level }}",
        "rules": [
{% for one in declaration.left_out %}
            # Left out: {{ one.name }}: {{ one.why }}
{% endfor %}
{% for rule in declaration.rules %}
            {
                "column": "{{ rule.column }}",
                "rule": {{ rule.name|py(16, 8) }},
                "hint": {{ rule.hint|py(16, 8) }},
                "broken": {{ rule.sql|py_lines(16) }},
            },
{% endfor %}
        ],
    },
{% endfor %}
}


def broken(spark, name):
    """One row: on how many days each rule of a declaration is broken."""
    spark.conf.set("spark.sql.session.timeZone", ZONE)
    counts = [
        f"(SELECT count(1) FROM ({rule['broken']}) AS r) AS {rule['column']}"
        for rule in RULES[name]["rules"]
    ]
    return spark.sql("SELECT " + ", ".join(counts))


def check(spark, name):
    """The check of a declaration."""
    made = Check(spark, getattr(CheckLevel, RULES[name]["level"]), name)
    for rule in RULES[name]["rules"]:
        made = made.hasMax(rule["column"], lambda days: days == 0.0, hint=rule["hint"])
    return made


def run(spark, names=()):
    """A verdict a rule, of some declarations or of all."""
    verdicts = []
    for name in names or RULES:
        result = VerificationSuite(spark).onData(broken(spark, name))
        result = result.addCheck(check(spark, name)).run()
        found = VerificationResult.checkResultsAsDataFrame(spark, result).collect()
        for rule in RULES[name]["rules"]:
            of_rule = [row for row in found if f"({rule['column']}," in row["constraint"]]
            holds = [row["constraint_status"] for row in of_rule] == ["Success"]
            verdicts.append({"rule": rule["rule"], "hint": rule["hint"], "holds": holds})
    return verdicts
