"""Feeds of applicant tracking systems and job boards, as their interfaces give them."""

from __future__ import annotations

from skillstream.postings.feeds.feed import Feed, fields, part

__all__ = ["SYSTEMS"]

# What a posting of schema.org says beside its description, each under its heading.
_REQUIREMENTS = (
    part("responsibilities", heading="Responsibilities"),
    part("requirements", heading="Requirements"),
    part("qualifications", heading="Qualifications"),
    part("skills", heading="Skills"),
    part("experiencerequirements", heading="Experience"),
    part("educationrequirements", heading="Education"),
)

SYSTEMS = (
    Feed(
        name="schema.org",
        title_of_feed="schema.org JobPosting (JSON-LD), as career pages carry it",
        signatures=fields(
            "@type title description", "@type hiringorganization", "@type jobtitle description"
        ),
        titles=("title", "name"),
        texts=(part("description"), *_REQUIREMENTS),
        ids=("identifier", "@id", "url"),
        times=("dateposted", "datecreated"),
        languages=("inlanguage",),
    ),
    Feed(
        name="lever",
        title_of_feed="Lever postings API v0 (jobs.lever.co) and v1 (data API)",
        signatures=fields(
            "text lists",
            "text descriptionplain",
            "text hostedurl",
            "text applyurl",
            "text descriptionbody",
            "text categories description",
            "text categories content",
            "text content urls",
            "text content state",
        ),
        absent=frozenset({"title", "jobtitle"}),
        titles=("text",),
        texts=(
            part("opening", "openingplain"),
            part(
                "description",
                "descriptionbody",
                "descriptionplain",
                "content.descriptionhtml",
                "content.description",
            ),
            part("lists", "content.lists"),
            part("additional", "additionalplain", "content.closinghtml", "content.closing"),
        ),
        ids=("id",),
        times=("createdat",),
    ),
    Feed(
        name="smartrecruiters",
        title_of_feed="SmartRecruiters posting API",
        signatures=fields("jobad", "jobadid refnumber"),
        titles=("name", "title"),
        texts=(
            part("jobad.sections.jobdescription", "jobad.jobdescription"),
            part("jobad.sections.qualifications", "jobad.qualifications"),
            part("jobad.sections.additionalinformation", "jobad.additionalinformation"),
        ),
        ids=("id", "uuid", "refnumber"),
        times=("releaseddate", "createdon"),
        languages=("language.code", "language"),
    ),
    Feed(
        name="workday",
        title_of_feed="Workday career sites (cxs), a job's page and the list",
        signatures=fields("jobdescription jobreqid", "jobdescription jobpostingid", "title externalpath"),
        titles=("title", "jobpostingtitle"),
        texts=(part("jobdescription", "jobpostingdescription"),),
        ids=("jobreqid", "jobpostingid", "id", "externalpath"),
        times=("startdate", "posteddate"),
    ),
    Feed(
        name="personio",
        title_of_feed="Personio XML feed, as objects keyed by its elements",
        signatures=fields("jobdescriptions"),
        titles=("name", "title"),
        texts=(part("jobdescriptions.jobdescription", "jobdescriptions"),),
        ids=("id",),
        times=("createdat",),
    ),
    Feed(
        name="usajobs",
        title_of_feed="USAJobs search API",
        signatures=fields(
            "positiontitle userarea", "positiontitle qualificationsummary", "positiontitle positionuri"
        ),
        titles=("positiontitle",),
        texts=(
            part("userarea.details.jobsummary"),
            part("userarea.details.majorduties", heading="Duties"),
            part("qualificationsummary", heading="Qualifications"),
            part("userarea.details.requirements", heading="Requirements"),
            part("userarea.details.education", heading="Education"),
            part("userarea.details.evaluations", heading="Evaluation"),
            part("positionformatteddescription.content"),
        ),
        ids=("positionid", "matchedobjectid"),
        times=("publicationstartdate", "positionstartdate"),
    ),
    Feed(
        name="greenhouse",
        title_of_feed="Greenhouse job board API",
        signatures=fields(
            "title content absoluteurl",
            "title content internaljobid",
            "title content updatedat",
            "title absoluteurl internaljobid",
        ),
        titles=("title",),
        texts=(part("content"),),
        ids=("id", "internaljobid"),
        times=("firstpublished", "updatedat"),
        languages=("language",),
    ),
    Feed(
        name="ashby",
        title_of_feed="Ashby job posting API",
        signatures=fields("title descriptionhtml", "title descriptionplain publishedat"),
        titles=("title",),
        texts=(part("descriptionhtml", "descriptionplain", "description"),),
        ids=("id", "joburl"),
        times=("publishedat", "publisheddate"),
    ),
    Feed(
        name="workable",
        title_of_feed="Workable jobs API and widget",
        signatures=fields("title shortcode", "fulltitle shortcode"),
        titles=("title", "fulltitle"),
        texts=(
            part("fulldescription", "description"),
            part("requirements", heading="Requirements"),
            part("benefits", heading="Benefits"),
        ),
        ids=("shortcode", "id"),
        times=("publishedon", "createdat"),
    ),
    Feed(
        name="recruitee",
        title_of_feed="Recruitee careers site API (offers)",
        signatures=fields("title description careersurl", "title description careersapplyurl"),
        titles=("title", "positiontitle"),
        texts=(part("description"), part("requirements", heading="Requirements")),
        ids=("id", "slug"),
        times=("publishedat", "createdat"),
    ),
    Feed(
        name="teamtailor",
        title_of_feed="Teamtailor API (JSON:API)",
        signatures=fields("title body pitch", "title body humanstatus", "title body externalapplicationurl"),
        titles=("title",),
        texts=(part("pitch"), part("body")),
        ids=("id",),
        times=("createdat", "startdate"),
        languages=("languagecode",),
    ),
    Feed(
        name="adzuna",
        title_of_feed="Adzuna search API, and its salary prediction tables",
        signatures=fields(
            "title description redirecturl",
            "title description adref",
            "title fulldescription",
            "title description salaryispredicted",
        ),
        titles=("title",),
        texts=(part("fulldescription", "description"),),
        ids=("id", "adref"),
        times=("created",),
    ),
    Feed(
        name="indeed-xml",
        title_of_feed="Indeed's XML feed and similar ones, as objects keyed by its elements",
        signatures=fields(
            "title description referencenumber",
            "title description requisitionid",
            "title description jobtype company date",
        ),
        titles=("title",),
        texts=(
            part("description"),
            part("experience", heading="Experience"),
            part("education", heading="Education"),
        ),
        ids=("referencenumber", "requisitionid", "id", "url"),
        times=("date", "dateposted"),
    ),
    Feed(
        name="arbeitsagentur",
        title_of_feed="Jobsuche of the Bundesagentur für Arbeit",
        signatures=fields(
            "titel refnr", "stellenangebotstitel", "stellenangebotsbeschreibung", "titel hashid"
        ),
        titles=("titel", "stellenangebotstitel", "beruf"),
        texts=(part("stellenangebotsbeschreibung", "stellenbeschreibung"),),
        ids=("refnr", "referenznummer", "hashid"),
        times=("aktuelleveroeffentlichungsdatum", "datumersteveroeffentlichung"),
    ),
    Feed(
        name="francetravail",
        title_of_feed="Offres d'emploi of France Travail",
        signatures=fields("intitule description"),
        titles=("intitule",),
        texts=(
            part("description"),
            part("competences", heading="Skills"),
            part("formations", heading="Education"),
        ),
        ids=("id",),
        times=("datecreation", "dateactualisation"),
    ),
    Feed(
        name="oracle",
        title_of_feed="Oracle Recruiting Cloud, requisition details",
        signatures=fields("title externaldescriptionstr"),
        titles=("title",),
        texts=(
            part("externaldescriptionstr", "shortdescriptionstr"),
            part("externalresponsibilitiesstr", heading="Responsibilities"),
            part("externalqualificationsstr", heading="Qualifications"),
        ),
        ids=("id", "requisitionid"),
        times=("externalpostedstartdate", "posteddate"),
    ),
    Feed(
        name="taleo",
        title_of_feed="Taleo and SuccessFactors requisitions",
        signatures=fields(
            "title externaldescription",
            "externaltitle externaljobdescription",
            "externaltitle jobdescription",
        ),
        titles=("title", "externaltitle"),
        texts=(
            part("externaldescription", "externaljobdescription", "jobdescription"),
            part("externalqualification", heading="Qualifications"),
        ),
        ids=("contestnumber", "jobreqid", "jobid", "id"),
        times=("posteddate", "openingdate"),
    ),
    Feed(
        name="jsonfeed",
        title_of_feed="JSON Feed items, and RSS or Atom entries as objects",
        signatures=fields(
            "title contenthtml", "title contenttext", "title content:encoded", "title contentencoded"
        ),
        titles=("title",),
        texts=(part("contenthtml", "content:encoded", "contentencoded", "contenttext", "summary"),),
        ids=("id", "guid", "url"),
        times=("datepublished", "pubdate", "published", "updated"),
        languages=("language",),
    ),
)
