import pytest

from skillstream.postings.sections import (
    BOILERPLATE,
    Section,
    asks,
    heading,
    section_of_sentence,
    trades_of,
)


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("Requirements", "requirements"),
        ("REQUIREMENTS:", "requirements"),
        ("Required Skills & Experience", "requirements"),
        ("Knowledge, Skills, and Abilities", "requirements"),
        ("What we're looking for", "requirements"),
        ("What we’re looking for:", "requirements"),
        ("Who you are", "requirements"),
        ("Minimum qualifications (must have)", "requirements"),
        ("Preferred Qualifications", "nice_to_have"),
        ("Nice-to-haves", "nice_to_have"),
        ("Education and Experience", "education"),
        ("What you'll do", "responsibilities"),
        ("What You Will Be Doing", "responsibilities"),
        ("What Youll Get To Do", "responsibilities"),
        ("Essential Job Functions", "responsibilities"),
        ("Key duties / responsibilities", "responsibilities"),
        ("About the role", "responsibilities"),
        ("Your mission", "responsibilities"),
        ("Our mission", "about_company"),
        ("Job Summary", "responsibilities"),
        ("About us", "about_company"),
        ("ABOUT OUR COMPANY", "about_company"),
        ("Who we are", "about_company"),
        ("Company Overview", "about_company"),
        ("Benefits", "benefits"),
        ("We offer", "benefits"),
        ("What we offer you:", "benefits"),
        ("Pay range", "benefits"),
        ("Compensation & Benefits", "benefits"),
        ("Why join us?", "benefits"),
        ("How to apply", "how_to_apply"),
        ("EEO Statement", "equal_opportunity"),
        ("Equal Opportunity Employer", "equal_opportunity"),
        ("Diversity & Inclusion", "equal_opportunity"),
        ("Disclaimer", "legal"),
        ("Physical Demands", "working_conditions"),
        ("Working conditions", "working_conditions"),
        ("** Duties **", "responsibilities"),
        ("2. Duties", "responsibilities"),
        ("As a cook you will:", "responsibilities"),
        ("Ihre Aufgaben", "responsibilities"),
        ("Das bringen Sie mit:", "requirements"),
        ("Wir bieten", "benefits"),
        ("Über uns", "about_company"),
        ("Vos missions", "responsibilities"),
        ("Profil recherché", "requirements"),
        ("Nous offrons", "benefits"),
    ],
)
def test_headings_that_say_nothing_else(line: str, section: str) -> None:
    found = heading(line)
    assert found is not None
    assert (found.section, found.end) == (section, len(line))


@pytest.mark.parametrize(
    "line",
    [
        "Excellent communication skills",
        "Experience with Python",
        "5 years of experience",
        "Bachelor's degree required",
        "Knowledge of employment law",
        "Customer service",
        "Benefits administration",
        "SQL",
        "AWS, GCP, SQL",
        "You will cook soups and stews.",
        "Training new cooks in our kitchen",
        "",
        "***",
        "Requirements " * 20,
    ],
)
def test_no_headings(line: str) -> None:
    assert heading(line) is None


@pytest.mark.parametrize(
    ("line", "section"),
    [
        ("In our kitchen you will:", "responsibilities"),
        ("Our ideal cook will have experience with:", "requirements"),
        ("Benefits of working in our kitchen:", "benefits"),
        ("Skills that would be nice to have:", "nice_to_have"),
        ("SOUPS AND SAUCES", "other"),
        ("OUR KITCHEN BENEFITS", "benefits"),
    ],
)
def test_announcing_lines_keep_their_words(line: str, section: str) -> None:
    assert heading(line) == (section, 0)


def test_marked_lines_end_a_section_whatever_they_say() -> None:
    assert heading("Life in our kitchen") is None
    assert heading("Life in our kitchen", marked=True) == (Section.OTHER, 0)
    assert heading("Soups:") is None
    assert heading("Soups:", marked=True) == (Section.OTHER, 0)


def test_run_in_headings() -> None:
    line = "Required skills: soups, stews"
    assert heading(line) == (Section.REQUIREMENTS, line.index("soups"))
    assert (
        heading("Soups: leek, pea and tomato, of every kind and colour, for two hundred guests a day") is None
    )
    assert heading("Pay: 20: or more") == (Section.BENEFITS, 5)


@pytest.mark.parametrize(
    ("sentence", "section"),
    [
        ("All applicants are considered without regard to race, color or religion.", "equal_opportunity"),
        ("Acme is an Equal Opportunity Employer.", "equal_opportunity"),
        ("Reasonable accommodations may be made to enable individuals to do the job.", "equal_opportunity"),
        ("We do not discriminate on any basis.", "equal_opportunity"),
        ("We offer medical, dental and vision insurance.", "benefits"),
        ("401(k) with company match", "benefits"),
        ("Competitive salary", "benefits"),
        ("The pay is $20 - $25 per hour.", "benefits"),
        ("Please send your CV to Jo.", "how_to_apply"),
        ("Apply now!", "how_to_apply"),
        ("A background check and drug test are required.", "legal"),
        ("Other duties as assigned", "legal"),
        ("You must be authorized to work in Norway.", "legal"),
        ("Able to lift up to 50 lbs.", "working_conditions"),
        ("Acme is a leading maker of soups.", "about_company"),
        ("Founded in 1901, Acme employs 20 cooks.", "about_company"),
    ],
)
def test_boilerplate_is_known_anywhere(sentence: str, section: str) -> None:
    assert section_of_sentence(sentence, Section.REQUIREMENTS) == section


@pytest.mark.parametrize(
    "sentence",
    [
        "Manage budgets of up to $5M",
        "Experience with health insurance claims",
        "You have knowledge of retirement plans",
        "Design benefits programs",
        "Apply statistical methods to large data sets",
        "Contact customers by phone",
        "Lead diverse projects",
        "Eager to learn more about soups",
        "Develop leading products",
    ],
)
def test_requirements_stay_requirements(sentence: str) -> None:
    assert section_of_sentence(sentence, Section.REQUIREMENTS) is Section.REQUIREMENTS


def test_what_asks_is_a_requirement_among_boilerplate() -> None:
    for section in BOILERPLATE:
        assert section_of_sentence("You have 3+ years of experience in kitchens", section) == "requirements"
        assert section_of_sentence("Free soup every day", section) is section


@pytest.mark.parametrize(
    "sentence",
    [
        "You will operate forklifts.",
        "As a cook you will prepare soups.",
        "You speak Italian.",
        "You know Python and SQL.",
        "Acme seeks a welder.",
        "We are looking for an accountant.",
        "You are fluent in Danish.",
    ],
)
def test_sentences_that_ask(sentence: str) -> None:
    assert asks(sentence)
    for section in BOILERPLATE:
        assert section_of_sentence(sentence, section) == "requirements"


@pytest.mark.parametrize(
    "sentence",
    [
        "You will receive free soup.",
        "You'll enjoy our garden.",
        "You will have access to a gym.",
        "You have the opportunity to grow.",
        "Acme is a family business.",
        "We weld pipes for ships.",
    ],
)
def test_sentences_that_offer_or_tell(sentence: str) -> None:
    assert not asks(sentence)
    assert section_of_sentence(sentence, Section.ABOUT_COMPANY) == "about_company"


def test_a_bullet_that_begins_with_a_duty_is_one_below_any_heading_but_how_to_apply() -> None:
    duty = "Prepare salary surveys"
    assert section_of_sentence(duty, Section.BENEFITS, bullet=True) == "responsibilities"
    assert section_of_sentence(duty, Section.BENEFITS) == "benefits"
    assert section_of_sentence("Train with us every Tuesday", Section.BENEFITS, bullet=True) == "benefits"
    assert section_of_sentence("Document your skills", Section.HOW_TO_APPLY, bullet=True) == "how_to_apply"


@pytest.mark.parametrize(
    ("title", "trades"),
    [
        ("Compensation and Benefits Specialist", {"benefits"}),
        ("Payroll Clerk", {"benefits"}),
        ("Director of Diversity and Inclusion", {"equal_opportunity"}),
        ("Talent Acquisition Partner", {"how_to_apply"}),
        ("Immigration Paralegal", {"legal"}),
        ("Line Cook with great benefits", set()),
        ("Warehouse Associate - great benefits", set()),
        ("Welder", set()),
    ],
)
def test_the_trade_of_a_job(title: str, trades: set[str]) -> None:
    assert trades_of(title) == trades


def test_words_of_the_trade_are_boilerplate_only_where_they_are_offered() -> None:
    trades = trades_of("Benefits Coordinator")
    sentence = "Run the enrolment for health insurance"
    assert section_of_sentence(sentence, Section.RESPONSIBILITIES) == "benefits"
    assert section_of_sentence(sentence, Section.RESPONSIBILITIES, trades=trades) == "responsibilities"
    offered = "We offer our staff health insurance"
    assert section_of_sentence(offered, Section.RESPONSIBILITIES, trades=trades) == "benefits"
