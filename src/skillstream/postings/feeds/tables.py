"""Feeds that come as tables: what scrapers write, and data sets that many people work with."""

from __future__ import annotations

from skillstream.postings.feeds.feed import Feed, fields, part

__all__ = ["TABLES"]

TABLES = (
    Feed(
        name="amazon.jobs",
        title_of_feed="amazon.jobs search, with its columns of qualifications",
        signatures=fields(
            "title basicqualifications", "title idicims", "title preferredqualifications description"
        ),
        titles=("title",),
        texts=(
            part("description", "descriptionshort"),
            part("basicqualifications", heading="Basic qualifications"),
            part("preferredqualifications", heading="Preferred qualifications"),
        ),
        ids=("idicims", "id", "jobpath"),
        times=("posteddate", "updatedtime"),
    ),
    Feed(
        name="google-jobs",
        title_of_feed="Google careers, with its columns of qualifications",
        signatures=fields(
            "title minimumqualifications",
            "title preferredqualifications responsibilities",
            "jobtitle minimumqualifications",
        ),
        titles=("title", "jobtitle"),
        texts=(
            part("description", "about", "summary"),
            part("responsibilities", heading="Responsibilities"),
            part("minimumqualifications", heading="Minimum qualifications"),
            part("preferredqualifications", heading="Preferred qualifications"),
            part("qualifications", heading="Qualifications"),
        ),
        ids=("id", "jobid", "url"),
        times=("publishdate", "created", "dateposted"),
    ),
    Feed(
        name="jobspy",
        title_of_feed="JobSpy (python-jobspy) tables",
        signatures=fields("site joburl title", "site title description dateposted", "joburldirect title"),
        titles=("title",),
        texts=(part("description"), part("skills", heading="Skills")),
        ids=("id", "joburl"),
        times=("dateposted",),
    ),
    Feed(
        name="kaggle-linkedin",
        title_of_feed="Kaggle: LinkedIn job postings",
        signatures=fields("jobid title skillsdesc", "jobid title listedtime"),
        titles=("title",),
        texts=(part("description"), part("skillsdesc", heading="Skills")),
        ids=("jobid",),
        times=("listedtime", "originallistedtime"),
    ),
    Feed(
        name="kaggle-fake-jobs",
        title_of_feed="Kaggle: real and fake job postings (EMSCAD)",
        signatures=fields("title companyprofile description requirements", "title fraudulent description"),
        titles=("title",),
        texts=(
            part("description"),
            part("requirements", heading="Requirements"),
            part("benefits", heading="Benefits"),
        ),
        ids=("jobid",),
    ),
    Feed(
        name="kaggle-online-postings",
        title_of_feed="Kaggle: online job postings (Armenia)",
        signatures=fields("title jobrequirment", "title requiredqual", "jobpost title"),
        titles=("title",),
        texts=(
            part("jobdescription"),
            part("jobrequirment", "jobrequirement", heading="Responsibilities"),
            part("requiredqual", heading="Qualifications"),
        ),
        times=("date", "startdate"),
    ),
    Feed(
        name="kaggle-naukri-dice",
        title_of_feed="Kaggle: Naukri, Dice and Monster postings",
        signatures=fields(
            "jobtitle jobdescription uniqid", "jobtitle jobdescription postdate", "jobtitle keyskills"
        ),
        titles=("jobtitle",),
        texts=(part("jobdescription"), part("skills", "keyskills", heading="Skills")),
        ids=("uniqid", "jobid"),
        times=("postdate", "dateadded", "crawltimestamp"),
    ),
    Feed(
        name="kaggle-glassdoor",
        title_of_feed="Kaggle: Glassdoor and data science postings",
        signatures=fields(
            "jobtitle jobdescription salaryestimate", "jobtitle jobdescription companyname rating"
        ),
        titles=("jobtitle",),
        texts=(part("jobdescription"),),
    ),
    Feed(
        name="kaggle-job-descriptions",
        title_of_feed="Kaggle: job description data set (synthetic, with skills and responsibilities)",
        signatures=fields(
            "jobid jobtitle jobdescription responsibilities", "jobtitle role jobdescription skills"
        ),
        titles=("jobtitle", "role"),
        texts=(
            part("jobdescription"),
            part("responsibilities", heading="Responsibilities"),
            part("skills", heading="Skills"),
        ),
        ids=("jobid",),
        times=("jobpostingdate",),
    ),
)
