"""What sentences say: boilerplate, a wish, an offer. Data for `skillstream.postings.sections`.

Everything here is a fragment of a regular expression for text in lower case with plain apostrophes,
matched from the start of a word on; the first section that matches wins.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from skillstream.postings.section_words import Section

__all__ = ["ASKING", "DUTIES", "OFFERING", "ROLES", "TRADES", "WORDINGS"]

# Wordings of sentences that are boilerplate wherever they stand.
WORDINGS: Mapping[Section, Sequence[str]] = {
    Section.EQUAL_OPPORTUNITY: (
        r"equal[ -](employment )?opportunit(y|ies)",
        r"without regard to",
        r"regardless of (race|color|age|sex|gender)",
        r"sexual orientation",
        r"gender identity",
        r"reasonable accommodations?",
        r"affirmative action",
        r"protected (veteran|class|characteristic|status)",
        r"(race|colou?r), (religion|creed|sex)",
        r"eeoc?\b",
        r"eoe\b",
        r"(do not|does not|prohibits?|free (of|from)) (\w+ ){0,3}discriminat\w+",
        r"national origin",
        r"welcomes? (applications|applicants|candidates) from",
        r"committed to (\w+ ){0,5}(divers(e|ity)|inclusi\w+)",
        r"encouraged to apply",
        r"americans with disabilities",
        r"unabhängig von (alter|geschlecht|herkunft|nationalität)",
    ),
    Section.BENEFITS: (
        r"401 ?\(?k\)?",
        r"paid (time off|holidays?|vacations?|sick|parental|leave|training)",
        r"pto\b",
        r"(health|medical|dental|vision|life|disability|pet)( care)? (insurance|benefits|coverage)",
        r"(health|medical|dental|vision)( care)? plans?",
        r"(medical|health|dental),? (and |& )?(dental|vision)",
        r"tuition (reimbursement|assistance)",
        r"stock options?",
        r"(competitive|attractive|base|hourly|starting) (\w+ )?(salary|pay|wages?|compensation)\b",
        r"(salary|pay|compensation|benefits?) (range|package|is|starts|scale|will be)",
        r"sign(ing)?[ -]on bonus",
        r"(employee|staff|merchandise) discounts?",
        r"(flexible|health) (spending|savings) accounts?",
        r"gym membership",
        r"\$ ?\d[\d,.]*k? ?((/|per |an? )(h|y|w|m|a)|(-|–|to) ?\$)",
        r"employee assistance program",
        r"retirement (plan|savings|benefits)",
        r"commuter benefits",
        r"company car",
        r"flexible (working )?(hours|schedul\w+)",
        r"(paid )?parental leave",
        r"tage urlaub",
        r"betriebliche altersvorsorge",
        r"tickets? restaurant",
        r"mutuelle",
    ),
    Section.HOW_TO_APPLY: (
        r"^(please )?(apply|submit|send|e?-?mail|forward|upload)\b.*\b(r[eé]sum[eé]|cv|application|online)\b",
        r"(submit|send|e?-?mail|attach|upload) (us )?(your|an?) (\w+ ){0,4}(r[eé]sum[eé]|cv|cover letter)\b",
        r"with your (r[eé]sum[eé]|cv)\b",
        r"apply (now|today|online|here|at|via|through|on-line)\b",
        r"click (here|on|the)",
        r"<email>|<phone>",
        r"(only|all) (short-?listed|selected|qualified) (candidates|applicants)",
        r"(application|closing) (deadline|date)",
        r"for (more|further) information",
        r"^to learn more",
        r"we look forward to (hearing|receiving|your)",
        r"applications? (will be|are|must be|only) (\w+ )?(accepted|reviewed|considered|received)",
        r"^show less$",
        r"(wir freuen uns auf|senden sie|sende uns|bewirb dich|bewerben sie)",
        r"(envoyez|adressez|merci d)['\w]* .*(cv|candidature)",
    ),
    Section.LEGAL: (
        r"background (check|investigation|screening)s?",
        r"drug[ -](test|screen)\w*",
        r"e-?verify",
        r"i-9\b",
        r"(legally )?authorized to work",
        r"(visa|work permit) sponsorship",
        r"criminal (history|record|background)",
        r"not (intended|designed|meant) to (be|cover|contain|reflect)",
        r"all-inclusive list",
        r"exhaustive list",
        r"(duties|responsibilities)[ ,\w]* (may|can|are subject to) change",
        r"right to (modify|change|revise|add)",
        r"^(\w+ ){0,3}other( related)? duties (as|may be)",
        r"contract of employment",
        r"at-will",
        r"privacy (policy|notice)",
        r"represent(ative)? (of )?those (that )?must be met",
        r"convicted of",
        r"recruit(ment|ing) agencies",
    ),
    Section.WORKING_CONDITIONS: (
        r"(lift|carry|push|pull|lifting|carrying)\b.{0,40}\b\d+ ?(lbs?|pounds|kg)",
        r"noise level",
        r"close vision",
        r"(regularly|frequently|occasionally|constantly) (required to )?(sit|stand|walk|lift|reach|bend)",
        r"prolonged periods",
        r"(sit|stand|sitting|standing) for (long|extended)",
        r"physical demands",
        r"travel required",
    ),
    Section.ABOUT_COMPANY: (
        r"(founded|established|headquartered) in",
        r"our (mission|vision|purpose|core values) (is|are)\b",
        r"(is|are) (one of )?(an?|the) ([\w'&-]+ ){0,4}(lead(er|ing)|largest|premier|global)\b",
        r"(is|are) (an?|the) ([\w'&-]+ ){0,4}(award-winning|(multi|inter)national|family-owned)\b",
        r"(is|are) an? ([\w'&-]+ ){0,4}(company|firm|start-?up|non-?profit|manufacturer|retailer)\b",
        r"(offices|locations|employees|customers|clients) (in|across|around) (over |more than )?\d",
        r"(offices|locations|employees|customers|clients) (across|around) the (world|globe|country)",
        r"great place to work",
        r"fortune \d+",
        r"since \d{4}",
    ),
}

# Wordings of sentences that ask for something even among boilerplate.
_OFFERED_VERBS = (
    "also|always|be (paid|offered|part|joining|rewarded|eligible|entitled|provided|treated|welcomed)|become|"
    "benefit|can|could|deserve|do|don't|earn|enjoy|feel|find|gain|get|grow|"
    "have (access|the opportunity|a chance)|join|learn|love|may|might|never|qualify|receive|see|want|will|"
    "wish|would"
)
_ASKED_VERBS = (
    "know|speak|read|write|weld|cook|drive|operate|manage|lead|design|develop|build|plan|prepare|understand|work|"
    "maintain|repair|test|teach|support|analy[sz]e|coordinate|handle|sell|care|clean|master|use|code|program"
)
ASKING = (
    r"^((strong|excellent|good|solid|proven) )?(experience|knowledge|understanding|ability|skills?)\b",
    r"^((strong|excellent|good|solid|proven) )?(proficien(t|cy)|familiarity|degree)\b",
    r"you(?:'ll| will)? (?:bring|need|must|possess)\b",
    r"you(?:'ll| will)? have\b(?! (access|the (chance|opportunity)|a (chance|say)|fun))",
    rf"^(as an? .{{2,40}} |in this role,? |here,? )?you(?:'ll| will) (?!(?:{_OFFERED_VERBS})\b)[a-z]{{3,}}\b",
    rf"^you ({_ASKED_VERBS})\b",
    r"you are (able|fluent|proficient|familiar|experienced|responsible|skilled|comfortable|good at)\b",
    r"(must|should) (have|possess|be able)\b",
    r"(candidates?|applicants?) (will|must|should) (have|be able|possess)\b",
    r"(is|are|we're|currently) (seeking|looking for|hiring|searching for|recruiting)\b",
    r"(seeks|is in search of|needs) (an?|experienced|motivated|skilled|qualified)\b",
    r"\d\+? years",
    r"responsible for\b",
    r"(degree|bachelor'?s?|master'?s?) in\b",
)

# Bullets that begin with one of these are duties, under whichever heading.
DUTIES = (
    "administer", "advise", "analy[sz]e", "assemble", "assess", "assist", "audit", "calculate", "clean",
    "coach", "compile", "conduct", "configure", "coordinate", "deploy", "design", "diagnose",
    "document", "draft", "edit", "evaluate", "execute", "facilitate", "implement", "inspect", "install",
    "investigate", "liaise", "maintain", "manage", "monitor", "negotiate", "operate", "organi[sz]e",
    "oversee", "perform", "plan", "prepare", "process", "produce", "program", "reconcile", "record",
    "repair", "research", "resolve", "review", "schedule", "supervise", "teach", "test", "track",
    "train", "translate", "troubleshoot", "update", "verify", "weld", "write",
)  # fmt: skip

# Jobs in a trade whose words are boilerplate elsewhere, by their titles, in which one of `ROLES` stands, too.
ROLES = (
    "administrator", "advis[eo]r", "agent", "analyst", "assistant", "associate", "attorney", "clerk",
    "consultant", "coordinator", "counsel", "director", "expert", "generalist", "head", "intern",
    "investigator", "lawyer", "lead", "manager", "officer", "paralegal", "partner", "recruiter",
    "representative", "sourcer", "specialist", "supervisor", "trainee", "trainer",
)  # fmt: skip
TRADES: Mapping[Section, Sequence[str]] = {
    Section.BENEFITS: (
        r"(?<!great )(?<!excellent )(?<!full )(?<!with )benefits?\b",
        r"(compensation|payroll|(total )?rewards|pensions?)\b",
    ),
    Section.EQUAL_OPPORTUNITY: (r"(diversity|inclusion|equity|dei|eeo|accommodations?|accessibility)\b",),
    Section.HOW_TO_APPLY: (r"(recruit\w*|talent( acquisition)?|staffing|sourc(er|ing)|admissions)\b",),
    Section.LEGAL: (r"(privacy|legal|immigration|visa|background (checks?|investigat\w+)|compliance)\b",),
}

# What is said of an offer even in such jobs.
OFFERING = (
    r"(we|the company) (also )?(offer|provide)s? (you|our|all|an?|competitive|free|full|great|excellent)\b",
    r"(what )?we offer\b",
    r"you('ll| will)? (also )?(get|receive|enjoy|be offered|be paid|be provided|be given)\b",
    r"(our|your) (benefits|perks|pay|salary|compensation|offer|rewards)\b",
    r"(perks|why (us|join|work)|in it for you)\b",
    r"our (employees|team members|associates|staff) (also )?(get|receive|enjoy)\b",
)
