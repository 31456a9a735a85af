"""What stands below the flags in each command's help: its output, and its exit codes."""

from typing import Final

EXIT_CODES: Final = """\
exit codes:
  0    done, or already there
  2    the command line or a setting is wrong
  3    not signed in, or the registry refused the token
  4    not found
  5    the registry or the network cannot be reached
  130  interrupted, by Ctrl-C, SIGTERM or SIGHUP
  1    any other failure, or several kinds of them

The account is that of BENTO_CLOUD_API_KEY and BENTO_CLOUD_API_ENDPOINT, else
the kept context (see `modelsync login`). The store is that of BENTOML_HOME,
else ~/bentoml. Settings are those of the file that `modelsync locate` names,
then of variables (MODELSYNC_THREADS=4), then of options; the last one wins.
What one command takes and prints: modelsync COMMAND --help
"""

TRANSFER_EPILOG: Final = """\
one line per tag on stdout: {verb}, skipped or failed; the tag; why.
With --json:
  tag          name:version
  outcome      {verb}, skipped (it is there already) or failed; with --dry-run,
               would {bare}
  reason       why it was done, or why nothing was ("differs": it is there, but
               not the same, and stays without --force); empty after an error
  resumed      whether it went on from an earlier run's parts
{verified}  bytes_total  of the archive on the wire; 0 when nothing was to be moved; with
               --dry-run, of the files
  bytes_moved  in this run, what was sent again included
  retries, seconds
  error        a sentence, or null

exit codes: as for every command (see `modelsync --help`); what is skipped is
no failure, and a failure of one tag does not stop the next
"""

LS_EPILOG: Final = """\
With --json, one line for each version:
  tag            name:version
  size_bytes     of its files, or null
  created_at     when it was built
  labels         keys and values
  upload_status  what the registry says of its upload; null for a local one
  state          local: latest, ok or what is wrong with it; remote, beside the
                 local store: same, differs, remote only, uploading, failed,
                 stuck (its upload never ended) or reference (to HuggingFace)

exit codes: as for every command (see `modelsync --help`); an empty list of a
side is no failure, a NAME that it does not have is
"""

VERIFY_EPILOG: Final = """\
Neither side is changed, and nothing is stored. model.yaml counts like any
file. Names, content, links and whether the owner may execute a file are
compared; times and owners are not.

one line per tag on stdout: verified, same (names and sizes only), differs or
failed; the tag; how much was compared. With --json:
  tag             name:version
  equal           true, false, or null after an error
  verified        true only when every byte was compared and is the same
  quick           true when only names and sizes were to be compared
  files           how many files both sides have
  differences     a list of {"name", "kind"}; kind is one of: only local, only
                  remote, type, link, size, bytes, executable
  bytes_compared  of the content of files
  seconds
  error           a sentence, or null

exit codes: 0 no difference, 1 a difference, else as for every command (see
`modelsync --help`)
"""

DELETE_EPILOG: Final = """\
one line per tag on stdout: deleted, refused or failed; the tag; what was
freed. With --json:
  tag          name:version
  outcome      deleted, refused (a local bento uses it) or failed; with
               --dry-run, would delete
  bytes_freed  with --dry-run, the bytes that would be
  used_by      a list of the local bentos, name:version
  error        a sentence, or null

exit codes: 0 done, 1 a version that was named is used by a bento, 130 not
agreed, else as for every command (see `modelsync --help`)
"""

HISTORY_EPILOG: Final = """\
With --json, one line for each transfer that ended, in whatever program:
  began, ended  UTC
  direction     push or pull
  tag           name:version
  outcome       pushed, pulled, skipped, failed, cancelled or paused
  reason        why it was done, or why not
  resumed       whether it went on from an earlier run's parts
  verified      whether the bytes of both sides were compared
  bytes_total   of the archive on the wire
  bytes_moved   in this run
  retries, seconds, context, host, organization, program
"""

STATUS_EPILOG: Final = """\
With --json, one line for each transfer:
  tag, direction, force
  state         paused at the last quit, was cut short, or who runs it
  bytes_kept    what need not be moved again
  since         when it was last heard of
  endpoint, organization, store
  go_on         the command that goes on with it, or what to do first; empty
                while it runs
"""

WHO_EPILOG: Final = """\
With --json, one line:
  user, organization, endpoint, context
  token         where it is: environment, keyring or file
"""

CONTEXTS_EPILOG: Final = """\
With --json, one line for each context:
  context, endpoint, organization, user
  current       whether it is used where none is named
  read_only     whether every push to it is refused
  color         on the screen
  token         where it is: keyring or file
"""

LOCATE_EPILOG: Final = """\
MODELSYNC_CONFIG_DIR, MODELSYNC_STATE_DIR and MODELSYNC_CACHE_DIR name other
folders: for a home that cannot be written, or none. With --json, one line.
"""
