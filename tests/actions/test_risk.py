"""Commands that a person is always asked about, and those that are bounded enough."""

import shlex

import pytest
from concertino.actions.shell.actions import split_command
from concertino.actions.shell.risk import is_risky

RISKY = """
sh -c 'ls'
bash script.sh
/bin/dash
busybox sh
python3 -c 'print(1)'
python3.11 -c pass
/usr/bin/python3 -Bc pass
python3 -W ignore -c pass
python3 -m http.server
python3
perl -e 1
perl -ne print
perl -MO=x file
ruby -e 1
node -pe 1
node --eval=1
node --import=data:text/javascript,1 x.js
php -r 1
lua -e 1
find . -name x -exec rm {} ;
find . -execdir rm {} +
find . -delete
find . -fprint out
xargs rm
env ls
sudo ls
su -c ls
timeout 5 ls
nohup ls
nice ls
setsid ls
make
rm -r folder
rm -rf .
rm -fr .
rm --recursive x
rm -f x
dd if=/dev/zero of=x
shred x
mkfs.ext4 disk
chmod -R 777 .
chown -R a .
tar --to-command=sh -xf a.tar
tar -I sh -xf a.tar
tar xf a.tar --checkpoint-action=exec=sh
sort --compress-program=sh x
split --filter=sh x
awk 'BEGIN { system("ls") }'
awk '{ print > "file" }'
awk '{ "ls" | getline }'
sed -i s/a/b/ x
sed '1e ls' x
sed s/a/b/e x
sed 's/a/b/w out' x
sed -f script x
sed -n p x -i
sed 's/a/b/;1e ls' x
git -c core.pager=sh log
git clean -fdx
git push
git reset --hard
git grep -Osh x
git diff --ext-diff
git commit --amend
git unknown
gcc -wrapper sh x.c
rg --pre sh x
vim x
less x
sqlite3 x.db
ssh host
curl http://x
pip3 install x
./script
bin/tool
/tmp/tool
../tool
"""

CALM = """
wc -l notes.txt
ls -la
cat a b
head -5 x
tail -n 5 x
grep -rn word .
sort -rn x
uniq -c x
cut -d, -f1 x.csv
diff a b
file x
du -sh .
mkdir -p a/b
cp a b
mv a b
rm x
touch x
echo hello
date
find . -name *.txt
tar tzf a.tgz
awk '{ s += $1 } END { print s }' x
sed -n 5p x
sed -n 2,4p x
sed s/a/b/ x
sed -E 's#a/(b)#\\1#g' x y
git status
git --no-pager log --oneline
git diff a.txt
git add .
git commit -m message
python3 script.py
/usr/bin/wc x
node script.js
gcc -o x x.c
jq .a x.json
chmod +x x
"""


@pytest.mark.parametrize("command", RISKY.strip().splitlines())
def test_a_command_that_can_do_anything_is_risky(command: str) -> None:
    assert is_risky(shlex.split(command))


@pytest.mark.parametrize("command", CALM.strip().splitlines())
def test_a_plain_command_is_not_risky(command: str) -> None:
    assert not is_risky(shlex.split(command))


def test_no_command_at_all_is_risky() -> None:
    assert is_risky([])


OPERATORS = """
ls | wc
ls|wc
ls > out
ls >> out
wc < in
ls && pwd
ls || pwd
ls; pwd
ls &
echo $(ls)
echo `ls`
echo "$(ls)"
echo "`ls`"
echo $HOME
echo "$HOME"
echo \\\\$HOME
ls *.txt
ls a?.txt
ls [ab].txt
ls ~
(ls)
A=1 ls
cd folder
. script
eval ls
echo "it's" $HOME
echo "\\$HOME" 'x'
echo "a\\d" | wc "b"
"""


@pytest.mark.parametrize("command", [*OPERATORS.strip().splitlines(), "ls\npwd"])
def test_operators_of_the_shell_are_for_all_to_see_and_risky(command: str) -> None:
    assert split_command(command) == ("sh", "-c", command)
    assert is_risky(split_command(command))


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("wc -l 'a b.txt'", ("wc", "-l", "a b.txt")),
        ("grep 'a|b' x", ("grep", "a|b", "x")),
        ('grep "a;b" x', ("grep", "a;b", "x")),
        (r"grep a\|b x", ("grep", "a|b", "x")),
        (r'grep "a\d|b" "x|y"', ("grep", r"a\d|b", "x|y")),
        ("find . -name '*.txt'", ("find", ".", "-name", "*.txt")),
        (r"find . -exec wc {} \;", ("find", ".", "-exec", "wc", "{}", ";")),
        ("echo a~ b#c x=y", ("echo", "a~", "b#c", "x=y")),
        ("cat 文件.txt", ("cat", "文件.txt")),
    ],
)
def test_what_is_quoted_is_no_operator(command: str, words: tuple[str, ...]) -> None:
    assert split_command(command) == words
