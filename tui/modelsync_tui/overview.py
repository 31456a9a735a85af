"""Shows what is known of both sides: the first line, the titles, the lists, and why a list is empty."""

from time import monotonic

from modelsync_tui.loading import Link, Loader
from modelsync_tui.notices import local_notice, remote_notice, short_path
from modelsync_tui.panes import Panes
from modelsync_tui.session import Session
from modelsync_tui.text import ago_text, literal
from modelsync_tui.widgets.browser import Browser
from modelsync_tui.widgets.context_tone import context_tone
from modelsync_tui.widgets.header import Header, HeaderFacts
from modelsync_tui.widgets.lines import Tone

AGE_IN_WORDS_FROM_CELLS = 100


class Overview:
    """Belongs to the main screen, which says when something changed."""

    def __init__(
        self, session: Session, loader: Loader, panes: Panes, header: Header, local: Browser, remote: Browser
    ) -> None:
        self._session = session
        self._loader = loader
        self._panes = panes
        self._header = header
        self._local = local
        self._remote = remote

    def show(self) -> None:
        """Everything, as it is known now."""
        self._header.show(self._facts())
        loader, models_dir = self._loader, self._session.store.models_dir
        known, host = loader.catalog.remote_known, self._session.online.host if self._session.online else ""
        self._local.show_notice(local_notice(models_dir, read=loader.local_read, error=loader.store.error))
        self._remote.show_notice(remote_notice(loader.link, loader.registry.offline_because, known=known, host=host))
        self._local.show(loader.catalog)
        self._remote.show(loader.catalog)
        self.show_titles()

    def show_titles(self) -> None:
        """The names of both panes, and how old the registry's list is."""
        one_pane = self._panes.one_at_a_time
        self._local.show_title("Local [1/2]" if one_pane else "1 Local", "")
        online = self._session.online
        name = "Remote [2/2]" if one_pane else "2 Remote"
        if online is not None:
            name += f"  {literal(online.registry_name)}"
        self._remote.show_title(name, self._age())

    def _age(self) -> str:
        """How old the list is, also where it is all there is of a registry that has gone."""
        registry = self._loader.registry
        if registry.is_reading and registry.link is Link.ONLINE:
            return "reading ..."
        read_at = registry.read_at
        if read_at is None:
            return ""
        age = ago_text(monotonic() - read_at)
        return f"refreshed {age} ago" if self._header.size.width >= AGE_IN_WORDS_FROM_CELLS else age

    def _facts(self) -> HeaderFacts:
        catalog, online = self._loader.catalog, self._session.online
        return HeaderFacts(
            short_path(self._session.store.models_dir),
            catalog.local_bytes,
            len(catalog.locals),
            online.host if online else "",
            online.organization.name if online else "",
            online.user.label if online else "",
            self._loader.link.value,
            self._session.read_only,
            online.context.name if online else "",
            context_tone(online.context) if online else Tone.PLAIN,
        )
