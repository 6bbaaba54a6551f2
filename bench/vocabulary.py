"""What the generated records speak of, and how often: counted in 60 Synthea records (16,954 resources).

Codes are those of LOINC, SNOMED CT, CVX and RxNorm; names of people and places are composed.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Generic, TypeVar

T = TypeVar("T")

LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
CVX = "http://hl7.org/fhir/sid/cvx"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM = "http://unitsofmeasure.org"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"

PER_MILLION = {
    "Observation": 433880,
    "Claim": 122862,
    "Encounter": 97912,
    "ExplanationOfBenefit": 97912,
    "Procedure": 88711,
    "Immunization": 40462,
    "DiagnosticReport": 29904,
    "MedicationRequest": 24950,
    "Condition": 23593,
    "CarePlan": 9614,
    "Goal": 5780,
    "ImagingStudy": 2477,
    "AllergyIntolerance": 1357,
}
"""Of a patient's record, in Synthea's proportions."""
SHARED_PER_MILLION = {"Organization": 11561, "Practitioner": 5544}


@dataclass(frozen=True, slots=True)
class Weighted(Generic[T]):
    """Things that are drawn as often as they were counted."""

    things: tuple[T, ...]
    bounds: tuple[int, ...]

    def draw(self, random: Random) -> T:
        return random.choices(self.things, cum_weights=self.bounds)[0]


def weighted(*counted: tuple[int, T]) -> Weighted[T]:
    return Weighted(
        tuple(thing for _, thing in counted), tuple(accumulate(count for count, _ in counted))
    )


@dataclass(frozen=True, slots=True)
class Measure:
    """A LOINC code whose value is a quantity, normally distributed."""

    code: str
    display: str
    unit: str
    mean: float
    spread: float
    category: str = "laboratory"
    digits: int = 1


BLOOD_PRESSURE = Measure("55284-4", "Blood Pressure", "mm[Hg]", 0, 0, "vital-signs")
SMOKING = Measure("72166-2", "Tobacco smoking status NHIS", "", 0, 0, "survey")
PRESSURES = (
    Measure("8462-4", "Diastolic Blood Pressure", "mm[Hg]", 79, 8),
    Measure("8480-6", "Systolic Blood Pressure", "mm[Hg]", 122, 14),
)
SMOKERS = weighted((367, ("266919005", "Never smoker")), (99, ("8517006", "Former smoker")))

MEASURES = weighted(
    (477, Measure("72514-3", "Pain severity", "{score}", 2.1, 1.3, "vital-signs")),
    (466, Measure("8302-2", "Body Height", "cm", 155, 34.5, "vital-signs")),
    (466, Measure("29463-7", "Body Weight", "kg", 66.3, 28.5, "vital-signs")),
    (466, BLOOD_PRESSURE),
    (466, SMOKING),
    (425, Measure("39156-5", "Body Mass Index", "kg/m2", 25.8, 4.9, "vital-signs", 2)),
    (45, Measure("8331-1", "Oral temperature", "Cel", 37.6, 0.3, "vital-signs")),
    (204, Measure("2339-0", "Glucose", "mg/dL", 81.8, 10.4)),
    (204, Measure("6299-2", "Urea Nitrogen", "mg/dL", 13.6, 3.7)),
    (204, Measure("38483-4", "Creatinine", "mg/dL", 1.6, 1.0, digits=2)),
    (204, Measure("49765-1", "Calcium", "mg/dL", 9.3, 0.5, digits=2)),
    (204, Measure("2947-0", "Sodium", "mmol/L", 140.2, 2.2)),
    (204, Measure("6298-4", "Potassium", "mmol/L", 4.4, 0.4, digits=2)),
    (204, Measure("2069-3", "Chloride", "mmol/L", 106, 2.9)),
    (204, Measure("20565-8", "Carbon Dioxide", "mmol/L", 24.7, 2.5)),
    (180, Measure("2093-3", "Total Cholesterol", "mg/dL", 180.2, 13.7)),
    (180, Measure("2571-8", "Triglycerides", "mg/dL", 135.8, 23.7)),
    (180, Measure("18262-6", "Low Density Lipoprotein Cholesterol", "mg/dL", 94.9, 21.8)),
    (180, Measure("2085-9", "High Density Lipoprotein Cholesterol", "mg/dL", 64.4, 12.2)),
    (164, Measure("33914-3", "Estimated Glomerular Filtration Rate", "mL/min", 93.6, 32)),
    (121, Measure("4548-4", "Hemoglobin A1c/Hemoglobin.total in Blood", "%", 6.1, 0.2, digits=2)),
    (110, Measure("6690-2", "Leukocytes in Blood", "10*3/uL", 7.0, 1.9, digits=2)),
    (110, Measure("789-8", "Erythrocytes in Blood", "10*6/uL", 4.7, 0.5, digits=2)),
    (110, Measure("718-7", "Hemoglobin in Blood", "g/dL", 14.7, 1.7)),
    (110, Measure("787-2", "MCV by Automated count", "fL", 87.7, 4.4)),
    (110, Measure("785-6", "MCH by Automated count", "pg", 30, 1.7)),
    (110, Measure("786-4", "MCHC by Automated count", "g/dL", 34.4, 0.8)),
    (110, Measure("21000-5", "Erythrocyte distribution width", "fL", 42.5, 2.1)),
    (110, Measure("777-3", "Platelets in Blood", "10*3/uL", 291.8, 84.5)),
    (110, Measure("32207-3", "Platelet distribution width", "fL", 356.3, 102.9)),
    (110, Measure("32623-1", "Platelet mean volume", "fL", 11, 0.9)),
    (105, Measure("4544-3", "Hematocrit of Blood", "%", 42.4, 4.4)),
    (77, Measure("2885-2", "Protein in Serum or Plasma", "g/L", 70.4, 5.7)),
    (77, Measure("1751-7", "Albumin in Serum or Plasma", "g/dL", 4.4, 0.6)),
    (77, Measure("10834-0", "Globulin in Serum", "g/dL", 2.8, 0.4)),
    (77, Measure("1975-2", "Bilirubin.total in Serum or Plasma", "mg/dL", 0.7, 0.3, digits=2)),
    (77, Measure("6768-6", "Alkaline phosphatase in Serum or Plasma", "U/L", 74.2, 35.1)),
    (77, Measure("1742-6", "Alanine aminotransferase in Serum or Plasma", "U/L", 40.7, 12.2)),
    (77, Measure("1920-8", "Aspartate aminotransferase in Serum or Plasma", "U/L", 22.8, 8.8)),
    (10, Measure("10230-1", "Left ventricular Ejection fraction", "%", 40, 9, "imaging")),
    (10, Measure("19926-5", "FEV1/FVC", "%", 72, 9, "procedure")),
    (10, Measure("14959-1", "Microalbumin Creatinine Ratio", "mg/g", 12, 6)),
)

VISITS = weighted(
    (573, ("185349003", "Encounter for check up")),
    (205, ("185347001", "Encounter for problem")),
    (179, ("185345009", "Encounter for symptom")),
    (161, ("390906007", "Follow-up encounter")),
    (143, ("424619006", "Prenatal visit")),
    (90, ("371883000", "Outpatient procedure")),
    (63, ("308335008", "Patient encounter procedure")),
    (55, ("698314001", "Consultation for treatment")),
    (68, ("50849002", "Emergency room admission")),
    (41, ("424441002", "Prenatal initial visit")),
    (16, ("183460006", "Obstetric emergency hospital admission")),
    (16, ("169762003", "Postnatal visit")),
    (12, ("270427003", "Patient-initiated encounter")),
    (10, ("183452005", "Encounter Inpatient")),
    (3, ("394701000", "Asthma follow-up")),
)
VISIT_CLASSES = weighted((1541, "AMB"), (92, "EMER"), (27, "IMP"))

CONDITIONS = weighted(
    (67, ("444814009", "Viral sinusitis (disorder)")),
    (39, ("195662009", "Acute viral pharyngitis (disorder)")),
    (32, ("72892002", "Normal pregnancy")),
    (27, ("10509002", "Acute bronchitis (disorder)")),
    (16, ("15777000", "Prediabetes")),
    (16, ("40055000", "Chronic sinusitis (disorder)")),
    (16, ("162864005", "Body mass index 30+ - obesity (finding)")),
    (14, ("271737000", "Anemia (disorder)")),
    (12, ("38341003", "Hypertension")),
    (10, ("44465007", "Sprain of ankle")),
    (10, ("19169002", "Miscarriage in first trimester")),
    (7, ("55822004", "Hyperlipidemia")),
    (6, ("43878008", "Streptococcal sore throat (disorder)")),
    (6, ("88805009", "Chronic congestive heart failure (disorder)")),
    (5, ("128613002", "Seizure disorder")),
    (5, ("65363002", "Otitis media")),
    (4, ("68496003", "Polyp of colon")),
    (4, ("64859006", "Osteoporosis (disorder)")),
    (4, ("62106007", "Concussion with no loss of consciousness")),
    (3, ("284551006", "Laceration of foot")),
    (3, ("75498004", "Acute bacterial sinusitis (disorder)")),
    (3, ("69896004", "Rheumatoid arthritis")),
    (3, ("53741008", "Coronary Heart Disease")),
    (3, ("74400008", "Appendicitis")),
    (3, ("230690007", "Stroke")),
    (2, ("239873007", "Osteoarthritis of knee")),
    (2, ("58150001", "Fracture of clavicle")),
    (2, ("24079001", "Atopic dermatitis")),
    (2, ("84757009", "Epilepsy")),
    (2, ("82423001", "Chronic pain")),
)

PROCEDURES = weighted(
    (216, ("428191000124101", "Documentation of current medications")),
    (145, ("274804006", "Evaluation of uterine fundal height")),
    (145, ("225158009", "Auscultation of the fetal heart")),
    (83, ("228557008", "Cognitive and behavioral therapy")),
    (73, ("180256009", "Subcutaneous immunotherapy")),
    (57, ("76601001", "Intramuscular injection")),
    (48, ("5880005", "Physical examination")),
    (33, ("73761001", "Colonoscopy")),
    (32, ("104091002", "Hemoglobin / Hematocrit / Platelet count")),
    (30, ("252160004", "Standard pregnancy test")),
    (30, ("169230002", "Ultrasound scan for fetal viability")),
    (30, ("171207006", "Depression screening")),
    (20, ("180325003", "Electrical cardioversion")),
    (16, ("23426006", "Measurement of respiratory function (procedure)")),
    (16, ("44608003", "Blood typing, RH typing")),
    (16, ("117010004", "Urine culture")),
    (15, ("117015009", "Throat culture (procedure)")),
    (14, ("66348005", "Childbirth")),
    (10, ("399208008", "Plain chest X-ray (procedure)")),
    (10, ("127783003", "Spirometry (procedure)")),
    (7, ("288086009", "Suture open wound")),
)

VACCINES = weighted(
    (422, ("140", "Influenza, seasonal, injectable, preservative free")),
    (50, ("113", "Td (adult) preservative free")),
    (34, ("133", "Pneumococcal conjugate PCV 13")),
    (24, ("114", "meningococcal MCV4P")),
    (20, ("20", "DTaP")),
    (19, ("10", "IPV")),
    (15, ("43", "Hep B, adult")),
    (14, ("62", "HPV, quadrivalent")),
    (11, ("49", "Hib (PRP-OMP)")),
    (10, ("03", "MMR")),
    (9, ("21", "varicella")),
    (7, ("119", "rotavirus, monovalent")),
    (5, ("121", "zoster")),
)

MEDICATIONS = weighted(
    (161, ("316672", "Simvastatin 10 MG")),
    (40, ("313782", "Acetaminophen 325 MG Oral Tablet")),
    (22, ("562251", "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet")),
    (16, ("849574", "Naproxen sodium 220 MG Oral Tablet")),
    (12, ("316049", "Hydrochlorothiazide 25 MG")),
    (9, ("310965", "Ibuprofen 200 MG Oral Tablet")),
    (7, ("1000126", "1 ML medroxyprogesterone acetate 150 MG/ML Injection")),
    (6, ("315971", "Lasix 40mg")),
    (6, ("389221", "Etonogestrel 68 MG Drug Implant")),
    (5, ("834102", "Penicillin V Potassium 500 MG Oral Tablet")),
    (4, ("309362", "Clopidogrel 75 MG Oral Tablet")),
    (3, ("106258", "Hydrocortisone 10 MG/ML Topical Cream")),
    (3, ("105586", "Methotrexate 10 MG Oral Tablet")),
    (2, ("197361", "Amlodipine 5 MG Oral Tablet")),
    (2, ("855332", "Warfarin Sodium 5 MG Oral Tablet")),
)

PANELS = weighted(
    (180, ("57698-3", "Lipid Panel", 4)),
    (127, ("51990-0", "Basic Metabolic Panel", 8)),
    (110, ("58410-2", "Complete blood count panel - Blood by Automated count", 10)),
    (77, ("24323-8", "Comprehensive metabolic panel - Serum or Plasma", 14)),
)
PLANS = weighted(
    (60, ("53950000", "Respiratory therapy")),
    (40, ("134435003", "Routine antenatal care")),
    (30, ("698360004", "Diabetes self management plan")),
    (33, ("773513001", "Physiotherapy care plan")),
)
ALLERGIES = weighted(
    (5, ("91934008", "Allergy to nut")),
    (4, ("232350006", "House dust mite allergy")),
    (4, ("418689008", "Allergy to grass pollen")),
    (3, ("91935009", "Allergy to peanuts")),
)


def _parts(text: str) -> list[str]:
    return text.split()


_ONSETS = _parts("Bar Cal Dor Fen Gar Hal Kel Lan Mir Nor Par Quin Ros Sal Tor Van Win Yar Zan Bel")
_MIDDLES = _parts("a e i o en in on ar er ol ta ne li mo ru")
_ENDINGS = _parts("berg ton man son ley ford well ski ner ham rick wood stein more dale")
_GIVEN_ENDINGS = _parts("na la ria lyn dra sa vin ro nel das mir tan rek lo bert")
_PLACES = _parts("field brook port mouth bury haven")


def family(random: Random) -> str:
    """Compose one of 4,500 family names, some of which many bear and most few."""
    return _skewed(random, _ONSETS) + _skewed(random, _MIDDLES) + _skewed(random, _ENDINGS)


def given(random: Random) -> str:
    return _skewed(random, _ONSETS) + _skewed(random, _MIDDLES) + _skewed(random, _GIVEN_ENDINGS)


def place(random: Random) -> str:
    return _skewed(random, _ONSETS) + _skewed(random, _PLACES)


def _skewed(random: Random, parts: list[str]) -> str:
    return parts[int(len(parts) * random.random() ** 1.6)]
