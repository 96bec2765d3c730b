import pytest

from skillstream.postings.sections import BOILERPLATE, Section, heading, section_of_sentence


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
