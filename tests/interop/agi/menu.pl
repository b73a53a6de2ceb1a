#!/usr/bin/perl
# The same with Asterisk::AGI.
use strict;
use warnings;
use Asterisk::AGI;

my $agi = Asterisk::AGI->new;
my %env = $agi->ReadParse();
$agi->answer();
$agi->verbose("perl at $env{channel}", 1);
my $file = $agi->stream_file($env{arg_1} || 'hello-world', '123');
my $digit = chr $agi->wait_for_digit(5000);
$agi->database_put('agi', 'digit', $digit);
my $kept = $agi->database_get('agi', 'digit');
my $here = $agi->get_full_variable('${EXTEN}@${CONTEXT}');
$agi->set_variable('GLOBAL(RESULT)', "perl $kept $here");
$agi->exec('Playback', 'hello-world');
$agi->hangup();
