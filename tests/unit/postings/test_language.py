import pytest

from skillstream.postings.language import detect_language, language_code


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("We are looking for a cook who prepares soups and stews for two hundred guests.", "en"),
        ("Wir suchen eine Köchin, die Suppen und Eintöpfe für zweihundert Gäste zubereitet.", "de"),
        ("Nous cherchons une cuisinière qui prépare des soupes pour deux cents convives.", "fr"),
        ("我们正在寻找一位能为两百位客人准备汤和炖菜的厨师。", "zh"),
        ("Suppen kochen, Brot backen, Gäste bedienen", "de"),
        ("Cocinar sopas, atender clientes y limpiar la cocina", "es"),
        ("TIG welding, MIG welding, blueprints, forklift licence, first aid", "en"),
        ("Python, SQL, Java, Kubernetes, Docker, Terraform", None),
        ("JavaScript TypeScript React Node.js PostgreSQL", None),
        ("Kubernetes, Helm, Istio, Prometheus, Grafana, Jenkins, Ansible, Terraform, Vault", None),
        ("AutoCAD, Revit, SolidWorks, Inventor, Catia, Civil 3D", None),
        ("Engineer", None),
        ("", None),
        ("1234567890 " * 20, None),
        ("😀" * 100, None),
    ],
)
def test_detect_language(text: str, language: str | None) -> None:
    assert detect_language(text) == language


def test_only_the_beginning_counts() -> None:
    english = "We are looking for a cook who prepares soups and stews for two hundred guests. " * 10
    assert detect_language(english + "Wir suchen eine Köchin für zweihundert Gäste. " * 100) == "en"


@pytest.mark.parametrize(
    ("tag", "code"),
    [("en", "en"), ("EN-us", "en"), ("de_AT", "de"), ("zh-Hant-TW", "zh"), ("English", None), ("", None)],
)  # fmt: skip
def test_language_code(tag: str, code: str | None) -> None:
    assert language_code(tag) == code
