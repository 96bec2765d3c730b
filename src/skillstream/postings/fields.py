"""Which fields of a record hold a posting's id, title, text, time and language."""

from __future__ import annotations

import msgspec

from skillstream.postings.values import names

__all__ = [
    "FURTHER_TEXT",
    "ID_NAMES",
    "LANGUAGE_NAMES",
    "STRONG_TEXT_NAMES",
    "STRONG_TITLE_NAMES",
    "TEXT_NAMES",
    "TIME_NAMES",
    "TITLE_NAMES",
    "WELL_KNOWN",
    "FieldMapping",
    "is_text_name",
]


# Well-known names, best first; compared without case and so on: `jobTitle` is `job_title` (see `bare_name`).
ID_NAMES = names(
    """id postingid jobid jobpostingid identifier reference referencenumber refnr refnumber requisitionid
    jobreqid uuid guid uniqid objectid @id _id joburl url link"""
)

# Names that nothing but a posting's title has; then such as companies and people have, too.
STRONG_TITLE_NAMES = names(
    """title jobtitle positiontitle postingtitle vacancytitle roletitle jobpostingtitle offertitle titel
    jobtitel stellentitel stellenbezeichnung berufsbezeichnung stellenangebotstitel intitule intituleposte
    puesto titulo titulooferta titolo vacaturetitel functietitel nazwastanowiska jobname positionname
    jobopeningname openingname externaltitle externaljobtitle requisitiontitle"""
)
TITLE_NAMES = (
    *STRONG_TITLE_NAMES,
    *names("position name role headline beruf cargo functie stanowisko titre titreposte"),
)

# The whole description comes before its beginning, a description before what may be anything.
STRONG_TEXT_NAMES = names(
    """content:encoded contentencoded
    fulldescription fulljobdescription jobfulldescription descriptionfull longdescription descriptionlong
    description jobdescription descriptionhtml jobdescriptionhtml htmldescription descriptiontext
    jobdescriptiontext descriptionplain descriptionplaintext plaindescription descriptionbody descriptionraw
    descriptionmarkdown jobdescriptionplain jobdescriptionraw jobdesc jobdescr positiondescription
    roledescription vacancydescription postdescription offerdescription postingdescription addescription
    jobpostingdescription jobad jobadtext jobadhtml jobadvert jobadvertisement adverttext advertisement
    adtext jobtext jobcontent jobbody jobpost postinghtml jobdetails jobdetail joboverview
    stellenbeschreibung stellenangebotsbeschreibung jobbeschreibung beschreibung stellentext
    stellenanzeige anzeigentext ausschreibungstext descriptif descriptifposte descriptionposte descripcion
    descripcionoferta descricao descrizione omschrijving functieomschrijving vacaturetekst beskrivning
    beskrivelse opis opisstanowiska postingtext jobpostingtext"""
)
TEXT_NAMES = (
    *STRONG_TEXT_NAMES,
    *names(
        """text fulltext body bodyhtml bodytext content contents contenthtml
        contenttext rawtext details overview summary jobsummary descriptionshort shortdescription snippet
        excerpt teaser abstract desc about pitch"""
    ),
)

# A name with one of these in it is a description where no well-known name is.
_TEXT_ROOTS = ("descri", "beschreib", "omschrijv", "beskriv")
_NOT_OF_THE_JOB = names(
    """company employer organi firm brand department team location category industry benefit perk salary meta
    seo short image logo unternehmen entreprise empresa"""
)

TIME_NAMES = names(
    """dateposted postedat posteddate publishedat datepublished publisheddate publishdate publicationdate
    posted postedon publishedon firstpublished eventtime createdat created createddate datecreated
    datecreation creationdate listedtime pubdate released releaseddate postdate jobpostedatdatetimeutc
    jobpostedattimestamp originalopendate opendate postingdate epoch date updatedat updated updateddate
    dateupdated lastupdated lastmodified datemodified"""
)

LANGUAGE_NAMES = names("inlanguage language lang languagecode locale")

# Further text that counts, in this order, each under its heading.
FURTHER_TEXT = {
    "jobhighlights": "",
    "responsibilities": "Responsibilities",
    "keyresponsibilities": "Responsibilities",
    "rolesandresponsibilities": "Responsibilities",
    "tasks": "Tasks",
    "aufgaben": "Tasks",
    "majorduties": "Duties",
    "duties": "Duties",
    "requirements": "Requirements",
    "jobrequirements": "Requirements",
    "requiredskills": "Requirements",
    "anforderungen": "Requirements",
    "qualifications": "Qualifications",
    "basicqualifications": "Basic qualifications",
    "minimumqualifications": "Minimum qualifications",
    "requiredqualifications": "Required qualifications",
    "preferredqualifications": "Preferred qualifications",
    "desiredqualifications": "Preferred qualifications",
    "preferredskills": "Preferred qualifications",
    "nicetohave": "Nice to have",
    "skillsknowledgeexpertise": "Skills",
    "skills": "Skills",
    "keyskills": "Skills",
    "experiencerequirements": "Experience",
    "educationrequirements": "Education",
}


class FieldMapping(msgspec.Struct, frozen=True):
    """Where a posting is in a record: dotted paths (`job.title`); `None` = well-known feeds and names.

    Attributes:
        id, title, text: paths of these fields.
        feed: name of the feed (see `skillstream.postings.feeds`) whose table is used for every record.
        records_path: path of the list of postings in an object that holds several.
    """

    id: str | None = None
    title: str | None = None
    text: str | None = None
    feed: str | None = None
    records_path: str | None = None


WELL_KNOWN = FieldMapping()


def is_text_name(name: str) -> bool:
    """Whether a bare name speaks of a job's description: `posteDescription`, not `companyDescription`."""
    return any(root in name for root in _TEXT_ROOTS) and not any(word in name for word in _NOT_OF_THE_JOB)
