"""Only what pyproject.toml cannot say: the folder `resources/` is installed as the package `gmstudio_resources`."""

from setuptools import find_namespace_packages, find_packages, setup

resources = ["gmstudio_resources", *(f"gmstudio_resources.{name}" for name in find_namespace_packages("resources"))]

setup(
    packages=[*find_packages(include=["gmstudio*"]), *resources],
    package_dir={"gmstudio_resources": "resources"},
    package_data={"gmstudio": ["py.typed"], **{name: ["*"] for name in resources}},
)
