"""English abbreviations, acronyms and names of letters: what is said, and where no sentence ends."""

from __future__ import annotations

TITLES = {
    "Dr.": "doctor", "Mr.": "mister", "Mrs.": "missus", "Ms.": "miz", "Prof.": "professor", "Rev.": "reverend",
    "Gen.": "general", "Col.": "colonel", "Capt.": "captain", "Lt.": "lieutenant", "Sgt.": "sergeant",
    "Gov.": "governor", "Sen.": "senator", "Rep.": "representative", "Pres.": "president", "Hon.": "honorable",
    "Mt.": "mount", "Ft.": "fort", "Messrs.": "messieurs", "Dr": "doctor", "Mr": "mister", "Mrs": "missus", "Ms": "miz",
    "Prof": "professor",
}  # fmt: skip

ABBREVIATIONS = TITLES | {
    "e.g.": "for example", "eg.": "for example", "e.g": "for example", "i.e.": "that is,", "i.e": "that is,",
    "vs.": "versus", "vs": "versus", "v.": "versus", "approx.": "approximately", "ca.": "circa", "cf.": "compare",
    "esp.": "especially", "incl.": "including", "viz.": "namely", "resp.": "respectively", "w/": "with",
    "w/o": "without", "b/c": "because", "etc.": "et cetera", "etc": "et cetera", "al.": "al", "Jr.": "junior",
    "Sr.": "senior", "Inc.": "incorporated", "Ltd.": "limited", "Corp.": "corporation", "Co.": "company",
    "Bros.": "brothers", "Dept.": "department", "Assn.": "association", "Ave.": "avenue", "Blvd.": "boulevard",
    "Rd.": "road", "Ln.": "lane", "Hwy.": "highway", "Apt.": "apartment", "Univ.": "university", "est.": "established",
    "dept.": "department", "govt.": "government", "misc.": "miscellaneous", "temp.": "temperature", "avg.": "average",
    "max.": "maximum", "min.": "minimum", "tel.": "telephone", "Tel.": "telephone", "ext.": "extension",
    "tbsp.": "tablespoons", "tsp.": "teaspoons", "oz.": "ounces", "lb.": "pounds", "lbs.": "pounds", "ft.": "feet",
    "hr.": "hours", "hrs.": "hours", "mins.": "minutes", "sec.": "seconds", "a.m.": "A M", "p.m.": "P M",
    "A.M.": "A M", "P.M.": "P M", "a.k.a.": "also known as", "Ph.D.": "P H D", "Ph.D": "P H D", "PhD": "P H D",
    "Mon.": "Monday", "Tue.": "Tuesday", "Tues.": "Tuesday", "Wed.": "Wednesday", "Thu.": "Thursday",
    "Thurs.": "Thursday", "Fri.": "Friday", "OK": "okay", "WiFi": "Wi-Fi", "iOS": "eye O S",
}  # fmt: skip

BEFORE_NUMBER = {
    "No.": "number", "no.": "number", "Nos.": "numbers", "Nr.": "number", "Fig.": "figure", "fig.": "figure",
    "Figs.": "figures", "Vol.": "volume", "vol.": "volume", "Ch.": "chapter", "ch.": "chapter", "Sec.": "section",
    "p.": "page", "pp.": "pages", "c.": "circa", "Art.": "article", "Eq.": "equation", "Rm.": "room",
}  # fmt: skip
"""Abbreviations only when a digit follows; else words of their own ("No.")."""

MONTHS = {
    "Jan": "January", "Feb": "February", "Mar": "March", "Apr": "April", "May": "May", "Jun": "June", "Jul": "July",
    "Aug": "August", "Sep": "September", "Sept": "September", "Oct": "October", "Nov": "November", "Dec": "December",
}  # fmt: skip
MONTH_NAMES = list(dict.fromkeys(MONTHS.values()))

GOES_ON = frozenset(TITLES) | frozenset(
    "e.g. eg. i.e. vs. v. approx. ca. cf. esp. incl. viz. resp. a.k.a. avg. tel. Tel. ext. St.".split()
)
"""Abbreviations that never end a sentence; the others do when a capital follows."""

MAY_END = frozenset("U.S.A. D.C. N.Y. L.A. B.C. A.D. B.A. M.A. M.D. A.M. P.M.".split())
"""Letters with full stops that do end a sentence when a capital follows; others are somebody's initials."""

WORD_ACRONYMS = frozenset(
    "NASA NATO UNESCO UNICEF OPEC NASDAQ FIFA UEFA AIDS COVID LASER RADAR SCUBA JPEG GIF RAM ROM SIM PIN LAN WAN ASCII "
    "BIOS SWAT NAFTA FEMA OSHA IKEA LEGO SONAR SARS MERS NOAA YOLO ASAP CAPTCHA JSON YAML SAP DARPA GUI".split()
)
SPELLED = frozenset("UCLA NAACP IEEE AARP ESPN USAF ISBN UEFI OECD IUPAC ACLU USDA HDMI IMDB".split())
SHORT_WORDS = frozenset(
    "A I AM AN AND ANY ARE AS AT BAD BE BIG BUT BY CAN DAY DID DO END FAR FEW FOR GET GO GOT HAD HAS HE HER HEY HI HIM "
    "HIS HOT HOW IF IN IS IT ITS LET LOT MAN MAY ME MY NEW NO NOT NOW OF OFF OH OLD ON ONE OR OUR OUT OWN PUT RED RUN "
    "SAY SEE SET SHE SO TEN THE TO TOO TOP TRY TWO UP USE WAS WAY WE WHO WHY WIN YES YET YOU ALL ASK CUT EAT".split()
)
"""Words of up to three letters that capitals do not make an acronym."""

ROMAN = {
    "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7, "VIII": 8, "IX": 9, "X": 10, "XI": 11, "XII": 12, "XIII": 13,
    "XIV": 14, "XV": 15, "XVI": 16, "XX": 20, "I": 1,
}  # fmt: skip
ROMAN_AFTER = frozenset("War Chapter Part Volume Act Scene Book Phase Type Bowl Title Article Class Level".split())
REGNAL_AFTER = frozenset(
    "Henry Louis Elizabeth Charles George William Edward Richard James Philip Paul Pius Benedict Catherine Napoleon "
    "Alexander Nicholas Ramesses Frederick Leo Gregory Innocent John".split()
)
