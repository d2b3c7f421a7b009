"""Sphinx's settings for `make site`, which copies this file beside the pages that it lays out."""

from course_utils.kit import environment

project = "Unrolled"
author = "The Unrolled authors"
project_copyright = "The Unrolled authors. Text and figures: CC BY 4.0. Code: BSD-3-Clause."
release = environment.project()["version"]
language = "en"

extensions = ["myst_nb"]
exclude_patterns = [".doctrees"]
nb_execution_mode = "off"  # lessons are shown as they were saved
nb_mime_priority_overrides = [("html", "text/html", 0)]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "sphinx_book_theme"
html_title = "Unrolled"
html_theme_options = {
    "show_navbar_depth": 1,
    "use_download_button": False,  # the pages' sources are not the notebooks
    "use_fullscreen_button": True,
    "home_page_in_toc": True,
    "navbar_persistent": [],  # the search stands in the sidebar
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}  # light or dark as the reader's system says
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = ["mount.js", "start.js"]
html_copy_source = False
html_show_sourcelink = False
html_show_search_summary = False  # it would have to read other pages, which a page opened from a file may not
mathjax_path = "mathjax.js"
mathjax3_config = {"options": {"enableMenu": False}}
